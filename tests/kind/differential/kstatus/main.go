// What kstatus says of objects: one JSON object a line on standard input, one state a line on standard output.
//
// Where kstatus answers with an error, or panics, its users know no status: the line is Unknown.
package main

import (
	"bufio"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	answers := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		var object map[string]any
		if err := json.Unmarshal(lines.Bytes(), &object); err != nil {
			panic(err)
		}
		fmt.Fprintln(answers, answer(&unstructured.Unstructured{Object: object}))
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
	if err := answers.Flush(); err != nil {
		panic(err)
	}
}

func answer(object *unstructured.Unstructured) (state status.Status) {
	defer func() {
		if recover() != nil {
			state = status.UnknownStatus
		}
	}()
	result, err := status.Compute(object)
	if err != nil {
		return status.UnknownStatus
	}
	return result.Status
}
