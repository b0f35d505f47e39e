// Fields tells for every field of the built-in API types whether its Go type is a value or a pointer.
//
// Usage: go run . VERSION... > fields.json, with the versions of k8s.io/api, the newest first. See README.md.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
)

func main() {
	if len(os.Args) < 2 {
		exit(fmt.Errorf("no version; try: go run . v0.37.2"))
	}
	merged := table{}
	for _, version := range os.Args[1:] {
		packages, err := load(version)
		if err != nil {
			exit(fmt.Errorf("%s: %w", version, err))
		}
		found := table{}
		for _, pkg := range packages {
			found.addPackage(pkg)
		}
		for _, conflict := range merged.merge(found) {
			warn("conflict: %s in %s", conflict, version)
		}
	}
	fmt.Print(merged)
}

func exit(err error) {
	warn("%s", err)
	os.Exit(1)
}

func warn(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
