package main

import (
	"encoding/json"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modules are those that hold API types, and where in them these are.
var modules = map[string][]string{
	"k8s.io/api":                     {"k8s.io/api/..."},
	"k8s.io/apimachinery":            {"k8s.io/apimachinery/pkg/apis/meta/v1", "k8s.io/apimachinery/pkg/version"},
	"k8s.io/apiextensions-apiserver": {"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"},
	"k8s.io/kube-aggregator":         {"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"},
}

// load type-checks the API packages of one version in a module made for it, which is removed again.
func load(version string) ([]*types.Package, error) {
	dir, err := os.MkdirTemp("", "fields")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	module := "module fields\n"
	patterns := []string{"list", "-mod=mod", "-export", "-deps", "-json=ImportPath,Export,DepOnly"}
	for _, name := range sortedKeys(modules) {
		module += fmt.Sprintf("require %s %s\n", name, version)
		patterns = append(patterns, modules[name]...)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o600); err != nil {
		return nil, err
	}
	list := exec.Command("go", patterns...)
	list.Dir = dir
	list.Env = append(os.Environ(), "GOWORK=off")
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		return nil, err
	}
	return read(string(output))
}

// read turns the answer of go list into the packages that were asked for; their dependencies only help.
func read(list string) ([]*types.Package, error) {
	exports := map[string]string{}
	wanted := []string{}
	for decoder := json.NewDecoder(strings.NewReader(list)); decoder.More(); {
		var pkg struct {
			ImportPath, Export string
			DepOnly            bool
		}
		if err := decoder.Decode(&pkg); err != nil {
			return nil, err
		}
		exports[pkg.ImportPath] = pkg.Export
		if !pkg.DepOnly {
			wanted = append(wanted, pkg.ImportPath)
		}
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	packages := []*types.Package{}
	for _, path := range wanted {
		pkg, err := imports.Import(path)
		if err != nil {
			return nil, err
		}
		packages = append(packages, pkg)
	}
	return packages, nil
}
