package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"
)

// The whole store by its revisions: every change has one, and watches tell of each, also of those whose writers got no answer.
// So the order of changes is given, and what is asked is whether every answer fits into it at a time between call and return.
type store struct {
	// Ascending; the state of the model is how many of them have happened.
	revisions []int64
	// By key, ascending; of a log by its name, with the newest sequence so far as value.
	values map[string][]change
	// The revision at which a key got a value, which it gets once.
	madeAt map[[2]string]int64
}

func newStore(h *history) *store {
	s := &store{values: map[string][]change{}, madeAt: map[[2]string]int64{}}
	changes := append([]change{}, h.watched...)
	for _, one := range h.operations {
		if one.isWrite() && one.ok() {
			key, value := one.written()
			changes = append(changes, change{one.Revision, key, value})
		}
	}
	sort.SliceStable(changes, func(i, j int) bool { return changes[i].Revision < changes[j].Revision })
	for _, one := range changes {
		made := [2]string{one.Key, one.Value}
		if _, known := s.madeAt[made]; known {
			continue
		}
		s.madeAt[made] = one.Revision
		if count := len(s.revisions); count == 0 || s.revisions[count-1] != one.Revision {
			s.revisions = append(s.revisions, one.Revision)
		}
		name := one.Key
		if strings.HasPrefix(name, "log/") {
			name = name[:strings.LastIndex(name, "/")]
			if all := s.values[name]; len(all) > 0 && number(all[len(all)-1].Value) > number(one.Value) {
				one.Value = all[len(all)-1].Value
			}
		}
		s.values[name] = append(s.values[name], one)
	}
	return s
}

func number(text string) (n int) {
	fmt.Sscan(text, &n)
	return n
}

// How many changes have happened at a revision.
func (s *store) count(revision int64) int {
	return sort.Search(len(s.revisions), func(i int) bool { return s.revisions[i] > revision })
}

// The value of a key, or the newest sequence of a log, after so many changes.
func (s *store) valueAfter(name string, count int, atStart string) string {
	if count == 0 {
		return atStart
	}
	all := s.values[name]
	before := sort.Search(len(all), func(i int) bool { return all[i].Revision > s.revisions[count-1] })
	if before == 0 {
		return atStart
	}
	return all[before-1].Value
}

// What is asked of the model: the state that an operation needs, whether it is a change, and what it says of the store.
type step struct {
	line   line
	needs  int
	change bool
	// Whether the values in its answer are those of that state.
	right bool
}

func (s *store) operations(h *history) []porcupine.Operation {
	var operations []porcupine.Operation
	for client, one := range append(append([]line{}, h.operations...), h.closing) {
		revision, returnNs := one.Revision, one.ReturnNs
		if one.isWrite() && !one.ok() {
			key, value := one.written()
			made, happened := s.madeAt[[2]string{key, value}]
			if !happened {
				continue
			}
			revision, returnNs = made, h.closing.ReturnNs
		}
		operations = append(operations, porcupine.Operation{
			ClientId: client, Input: s.step(one, revision), Call: one.InvokeNs, Return: returnNs,
		})
	}
	return operations
}

func (s *store) step(one line, revision int64) step {
	count := s.count(revision)
	result := step{line: one, needs: count, change: one.isWrite()}
	if result.change {
		key, value := one.written()
		result.needs = count - 1
		result.right = s.madeAt[[2]string{key, value}] == revision
		if one.Kind == "swap" && one.ok() {
			found := s.valueAfter(pairKey, count-1, valueAtStart)
			result.right = result.right && one.Found[0] == found && one.Found[1] == found
		}
		return result
	}
	switch one.Kind {
	case "read-log":
		result.right = s.valueAfter("log/"+one.Writer, count, "0") == fmt.Sprint(one.Sequence)
	case "read-register":
		result.right = s.valueAfter(registerKey, count, valueAtStart) == one.Value
	case "closing":
		pair := s.valueAfter(pairKey, count, valueAtStart)
		result.right = s.valueAfter(registerKey, count, valueAtStart) == one.Register && one.Pair[0] == pair && one.Pair[1] == pair
		present := 0
		for writer, sequences := range one.Logs {
			for _, sequence := range sequences {
				made, known := s.madeAt[[2]string{logKey(writer, sequence), fmt.Sprint(sequence)}]
				result.right = result.right && known && made <= revision
				present++
			}
		}
		for made, at := range s.madeAt {
			if strings.HasPrefix(made[0], "log/") && at <= revision {
				present--
			}
		}
		result.right = result.right && present == 0
	}
	return result
}

func (s *store) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, _ any) (bool, any) {
			one := input.(step)
			if !one.right || state.(int) != one.needs {
				return false, state
			}
			if one.change {
				return true, one.needs + 1
			}
			return true, state
		},
		DescribeOperation: func(input, _ any) string {
			one := input.(step).line
			return fmt.Sprintf("%s %s%s %d at %d", one.Kind, one.Value, one.Writer, one.Sequence, one.Revision)
		},
		DescribeState: func(state any) string { return fmt.Sprintf("after %d changes", state) },
	}
}
