package main

import (
	"encoding/json"
	"fmt"
	"go/types"
	"os"
	"reflect"
	"strings"
)

// fields maps the JSON name of a field to its nature: value, pointer, struct (the value of one), or none of these.
type fields map[string]string

// table maps the OpenAPI name of a type to its fields.
type table map[string]fields

func (t table) addPackage(pkg *types.Package) {
	for _, name := range pkg.Scope().Names() {
		named, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || !named.Exported() || named.IsAlias() {
			continue
		}
		if object, ok := named.Type().Underlying().(*types.Struct); ok && !marshalsItself(named.Type()) {
			found := fields{}
			found.addStruct(object)
			t[modelName(named)] = found
		}
	}
}

func (f fields) addStruct(object *types.Struct) {
	for i := range object.NumFields() {
		field := object.Field(i)
		name, options, _ := strings.Cut(reflect.StructTag(object.Tag(i)).Get("json"), ",")
		inner, isStruct := types.Unalias(field.Type()).Underlying().(*types.Struct)
		switch {
		case name == "" && isStruct && (field.Embedded() || options == "inline"):
			f.addStruct(inner)
		case name != "" && name != "-" && field.Exported():
			f[name] = nature(field)
		}
	}
}

func nature(field *types.Var) string {
	switch target := types.Unalias(field.Type()).(type) {
	case *types.Pointer:
		if isScalar(target.Elem()) {
			return "pointer"
		}
		unusual(field, target.Elem())
		return other
	default:
		if isScalar(target) {
			return "value"
		}
		if _, ok := target.Underlying().(*types.Struct); ok {
			return "struct"
		}
		unusual(field, target)
		return other
	}
}

// isScalar is true of all that is a string, a number or a boolean in JSON.
func isScalar(t types.Type) bool {
	if scalarModels[types.TypeString(t, nil)] {
		return true
	}
	switch under := t.Underlying().(type) {
	case *types.Basic:
		return true
	case *types.Slice:
		element, ok := under.Elem().Underlying().(*types.Basic)
		return ok && element.Kind() == types.Byte
	}
	return false
}

// other is the nature of lists, of maps, and of pointers to structs: what OpenAPI tells by itself.
const other = ""

// scalarModels are the structs whose JSON is a scalar.
var scalarModels = map[string]bool{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":   true,
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":   true,
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":  true,
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":       true,
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString": true,
}

// unusual reports what the OpenAPI schema cannot show: lists and maps behind pointers, and lists and maps of pointers.
func unusual(field *types.Var, t types.Type) {
	_, behindPointer := types.Unalias(field.Type()).(*types.Pointer)
	var element types.Type
	switch under := t.Underlying().(type) {
	case *types.Slice:
		element = under.Elem()
	case *types.Map:
		element = under.Elem()
	default:
		return
	}
	if _, ofPointers := types.Unalias(element).(*types.Pointer); behindPointer || ofPointers {
		fmt.Fprintf(os.Stderr, "unusual: %s.%s %s\n", field.Pkg().Path(), field.Name(), field.Type())
	}
}

func marshalsItself(t types.Type) bool {
	method, _, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, nil, "MarshalJSON")
	return method != nil
}

// modelName is k8s.io/api/core/v1 and Pod → io.k8s.api.core.v1.Pod.
func modelName(named *types.TypeName) string {
	host, path, _ := strings.Cut(named.Pkg().Path(), "/")
	labels := strings.Split(host, ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	return strings.Join(labels, ".") + "." + strings.ReplaceAll(path, "/", ".") + "." + named.Name()
}

// merge adds what t does not know yet. Where a version contradicts, it says so, and the first one stays.
func (t table) merge(version string, found table) {
	for _, name := range sortedKeys(found) {
		if t[name] == nil {
			t[name] = fields{}
		}
		for _, field := range sortedKeys(found[name]) {
			was, known := t[name][field]
			if now := found[name][field]; known && was != now {
				fmt.Fprintf(os.Stderr, "conflict: %s.%s was %q in %s, is %q\n", name, field, now, version, was)
			} else {
				t[name][field] = now
			}
		}
	}
}

// String is JSON with one type per line.
func (t table) String() string {
	lines := []string{}
	for _, name := range sortedKeys(t) {
		natures := map[string][]string{"pointer": {}, "struct": {}, "value": {}}
		for _, field := range sortedKeys(t[name]) {
			nature := t[name][field]
			natures[nature] = append(natures[nature], field)
		}
		delete(natures, other)
		line, _ := json.Marshal(natures)
		lines = append(lines, fmt.Sprintf("%q:%s", name, line))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}\n"
}
