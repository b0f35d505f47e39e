package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// readLines returns the lines of a file that are not empty; a file without any is an error.
func readLines(name string) ([][]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lines [][]byte
	for reader := bufio.NewReader(file); ; {
		line, err := reader.ReadBytes('\n')
		if line := bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: no objects", name)
	}
	return lines, nil
}

// A body is the JSON of one object, and the namespace that it belongs to.
type body struct {
	namespace string
	json      []byte
}

// readBodies returns the objects of a file of JSON lines; those without a namespace belong to the given one.
func readBodies(name, namespace string) ([]body, error) {
	lines, err := readLines(name)
	if err != nil {
		return nil, err
	}
	bodies := make([]body, len(lines))
	for i, line := range lines {
		var object struct {
			Metadata struct{ Namespace string }
		}
		if err := json.Unmarshal(line, &object); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		bodies[i] = body{cmp.Or(object.Metadata.Namespace, namespace, "default"), line}
	}
	return bodies, nil
}

// readObjects returns the objects of a file of JSON lines as client-go decodes them.
func readObjects(name string) ([]*unstructured.Unstructured, error) {
	lines, err := readLines(name)
	if err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, len(lines))
	for i, line := range lines {
		objects[i] = &unstructured.Unstructured{}
		if err := objects[i].UnmarshalJSON(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return objects, nil
}
