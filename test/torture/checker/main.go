// Judges a client history with porcupine: is there an order of all operations, each within its own time, in which one correct
// store would have given these answers?
//
//	checker [-pictures folder] <history.jsonl
//
// The history is what test/e2e/load writes. One line of JSON is printed; pictures are drawn only of what is not linearizable.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"
)

// A limit for each model: a history that takes longer is undecided.
const limit = 2 * time.Minute

type report struct {
	Operations int `json:"operations"`
	// Ok, Illegal or Unknown of each model.
	Verdicts map[string]porcupine.CheckResult `json:"verdicts"`
}

func main() {
	pictures := flag.String("pictures", "", "folder for pictures of what is not linearizable")
	flag.Parse()
	history, err := parse(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the history cannot be read:", err)
		os.Exit(1)
	}
	result, err := judge(history, *pictures)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		os.Exit(1)
	}
}

func judge(h *history, pictures string) (report, error) {
	result := report{Operations: len(h.operations), Verdicts: map[string]porcupine.CheckResult{}}
	store := newStore(h)
	for _, one := range []struct {
		name       string
		model      porcupine.Model
		operations []porcupine.Operation
	}{
		{"store", store.model(), store.operations(h)},
		{"register", registerModel, registerOperations(h)},
		{"pair", registerModel, pairOperations(h)},
	} {
		verdict := porcupine.CheckOperationsTimeout(one.model, one.operations, limit)
		result.Verdicts[one.name] = verdict
		if verdict == porcupine.Ok || pictures == "" {
			continue
		}
		_, info := porcupine.CheckOperationsVerbose(one.model, one.operations, limit)
		if err := porcupine.VisualizePath(one.model, info, filepath.Join(pictures, one.name+".html")); err != nil {
			return result, err
		}
	}
	return result, nil
}
