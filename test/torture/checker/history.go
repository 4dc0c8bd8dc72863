package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// One line of test/e2e/load/operation.ts; which fields count depends on the kind.
type line struct {
	Kind     string `json:"kind"`
	Endpoint string `json:"endpoint"`
	InvokeNs int64  `json:"invokeNs"`
	ReturnNs int64  `json:"returnNs"`
	Outcome  string `json:"outcome"`
	Revision int64  `json:"revision"`

	Sequence int      `json:"sequence"`
	Writer   string   `json:"writer"`
	Expected string   `json:"expected"`
	Value    string   `json:"value"`
	Found    []string `json:"found"`

	Events []change `json:"events"`

	Logs     map[string][]int `json:"logs"`
	Register string           `json:"register"`
	Pair     []string         `json:"pair"`
}

type change struct {
	Revision int64  `json:"revision"`
	Key      string `json:"key"`
	Value    string `json:"value"`
}

const (
	registerKey = "register"
	pairKey     = "pair/left"
	// What both hold at first.
	valueAtStart = "start"
)

type history struct {
	// Without those that were refused, which did nothing.
	operations []line
	watched    []change
	closing    line
}

func parse(input io.Reader) (*history, error) {
	h := &history{}
	lines := bufio.NewScanner(input)
	// The closing line holds every sequence.
	lines.Buffer(nil, 64<<20)
	for number := 1; lines.Scan(); number++ {
		var one line
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		switch {
		case one.Kind == "closing":
			h.closing = one
		case one.Kind == "watch":
			h.watched = append(h.watched, one.Events...)
		case one.Outcome == "ok" && one.Revision == 0:
			return nil, fmt.Errorf("line %d: an acknowledged %s without a revision", number, one.Kind)
		case one.Outcome == "ok" || (one.Outcome == "unknown" && one.isWrite()):
			h.operations = append(h.operations, one)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if h.closing.Kind == "" {
		return nil, fmt.Errorf("it has no closing state")
	}
	return h, nil
}

func (l *line) isWrite() bool {
	return l.Kind == "put" || l.Kind == "cas" || l.Kind == "swap"
}

func (l *line) ok() bool {
	return l.Outcome == "ok"
}

// The key that a write sets, or a read reads, and the value; a swap's other key has the same value.
func (l *line) written() (key, value string) {
	switch l.Kind {
	case "put":
		return logKey(l.Endpoint, l.Sequence), fmt.Sprint(l.Sequence)
	case "cas":
		return registerKey, l.Value
	default:
		return pairKey, l.Value
	}
}

func logKey(writer string, sequence int) string {
	return fmt.Sprintf("log/%s/%010d", writer, 9_999_999_999-sequence)
}
