package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// One value, judged by values alone, whatever the revisions say.
type access struct {
	// What it found; nil of a swap that got no answer.
	found *string
	// What it left behind; nil of a read.
	left *string
}

var registerModel = porcupine.Model{
	Init: func() any { return valueAtStart },
	Step: func(state, input, _ any) (bool, any) {
		one := input.(access)
		if one.found != nil && *one.found != state.(string) {
			return false, state
		}
		if one.left != nil {
			return true, *one.left
		}
		return true, state
	},
	DescribeOperation: func(input, _ any) string {
		one := input.(access)
		return text(one.found) + " -> " + text(one.left)
	},
	DescribeState: func(state any) string { return state.(string) },
}

func text(value *string) string {
	if value == nil {
		return "?"
	}
	return fmt.Sprintf("%q", *value)
}

func registerOperations(h *history) []porcupine.Operation {
	accesses := []operation{{access: access{found: &h.closing.Register}, line: h.closing, ok: true}}
	for _, one := range h.operations {
		switch one.Kind {
		case "read-register":
			accesses = append(accesses, operation{access{found: &one.Value}, one, true})
		case "cas":
			accesses = append(accesses, operation{access{&one.Expected, &one.Value}, one, one.ok()})
		}
	}
	return toPorcupine(accesses)
}

func pairOperations(h *history) []porcupine.Operation {
	accesses := []operation{{access: access{found: &h.closing.Pair[0]}, line: h.closing, ok: true}}
	for _, one := range h.operations {
		if one.Kind != "swap" {
			continue
		}
		swap := access{left: &one.Value}
		if one.ok() {
			swap.found = &one.Found[0]
		}
		accesses = append(accesses, operation{swap, one, one.ok()})
	}
	return toPorcupine(accesses)
}

type operation struct {
	access
	line line
	ok   bool
}

// A change without an answer may have happened at any later time, or never. If nobody ever found its value, the history is
// linearizable with it just when it is without it, so it is left out; if somebody did, it had happened by the end of that
// operation. So nothing stays open, and the search stays short.
func toPorcupine(accesses []operation) []porcupine.Operation {
	foundBy := map[string]int64{}
	note := func(value string, byNs int64) bool {
		if known, there := foundBy[value]; there && known <= byNs {
			return false
		}
		foundBy[value] = byNs
		return true
	}
	for _, one := range accesses {
		if one.ok && one.found != nil {
			note(*one.found, one.line.ReturnNs)
		}
	}
	// A change without an answer that did happen found what it expected.
	for again := true; again; {
		again = false
		for _, one := range accesses {
			if one.ok || one.found == nil {
				continue
			}
			if byNs, happened := foundBy[*one.left]; happened {
				again = note(*one.found, byNs) || again
			}
		}
	}
	var operations []porcupine.Operation
	for client, one := range accesses {
		returnNs := one.line.ReturnNs
		if !one.ok {
			byNs, happened := foundBy[*one.left]
			if !happened {
				continue
			}
			// One that was found before it was asked for has no place in any order, and is to be found out.
			returnNs = max(byNs, one.line.InvokeNs)
		}
		operations = append(operations, porcupine.Operation{
			ClientId: client, Input: one.access, Call: one.line.InvokeNs, Return: returnNs,
		})
	}
	return operations
}
