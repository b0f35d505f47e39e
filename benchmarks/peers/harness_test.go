package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// contract is what each subcommand prints; the benchmarks rely on it.
var contract = map[string][]string{
	"sync":           {"cpu_seconds", "heap_per_object", "objects", "rss_after", "rss_before", "seconds"},
	"events":         {"cpu_seconds", "events", "seconds"},
	"raw":            {"bytes", "seconds"},
	"compare":        {"cpu_seconds", "different", "objects", "seconds"},
	"converge":       {"objects", "seconds"},
	"createorupdate": {"changed", "objects", "seconds"},
	"flux":           {"changed", "objects", "seconds"},
	"watchpatch":     {"repaired"},
}

// printed runs a subcommand and returns the one line that it prints, after a look at its keys.
func printed(t *testing.T, arguments ...string) map[string]float64 {
	t.Helper()
	var output bytes.Buffer
	if err := run(t.Context(), arguments, &output); err != nil {
		t.Fatal(err)
	}
	line, rest, ended := strings.Cut(output.String(), "\n")
	if !ended || rest != "" {
		t.Fatalf("not one line: %q", output.String())
	}
	var result map[string]float64
	if err := json.Unmarshal([]byte(line), &result); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if keys := slices.Sorted(maps.Keys(result)); !slices.Equal(keys, contract[arguments[0]]) {
		t.Fatalf("keys of %s: %v, not %v", arguments[0], keys, contract[arguments[0]])
	}
	return result
}

// refused runs a subcommand that has to fail, and returns why it did.
func refused(t *testing.T, arguments ...string) string {
	t.Helper()
	var output bytes.Buffer
	err := run(t.Context(), arguments, &output)
	if err == nil || output.Len() > 0 {
		t.Fatalf("%v: error %v, output %q", arguments, err, output.String())
	}
	return err.Error()
}

func expect[T comparable](t *testing.T, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: %v, not %v", what, got, wanted)
	}
}

// lines writes a file with so many Deployments, one on each line, made by a format with a number.
func lines(t *testing.T, count int, format string) string {
	t.Helper()
	var content strings.Builder
	for i := range count {
		fmt.Fprintf(&content, format+"\n", i)
	}
	return written(t, "objects.jsonl", content.String())
}

func written(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// fakeServer answers with a handler, and is what the kubeconfig says that it returns.
func fakeServer(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return written(t, "kubeconfig", fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: fake
clusters: [{name: fake, cluster: {server: "%s", insecure-skip-tls-verify: true}}]
users: [{name: fake, user: {token: secret}}]
contexts: [{name: fake, context: {cluster: fake, user: fake}}]
`, server.URL))
}
