package main

import (
	"encoding/json"
	"fmt"
	"go/types"
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
			f[name] = nature(field.Type())
			if isUnusual(field.Type()) {
				warn("unusual: %s.%s %s", field.Pkg().Path(), field.Name(), field.Type())
			}
		}
	}
}

func nature(t types.Type) string {
	target := types.Unalias(t)
	pointer, behindPointer := target.(*types.Pointer)
	_, isStruct := target.Underlying().(*types.Struct)
	switch {
	case behindPointer && isScalar(pointer.Elem()):
		return "pointer"
	case isScalar(target):
		return "value"
	case isStruct && !marshalsItself(target):
		return "struct"
	}
	return other
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

// other is the nature of lists, of maps, of pointers to structs, and of what holds arbitrary JSON.
const other = ""

// scalarModels are the structs whose JSON is a scalar.
var scalarModels = map[string]bool{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":   true,
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":   true,
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":  true,
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":       true,
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString": true,
}

// isUnusual is true of what no API type has had yet, and the schema could not show: lists and maps behind pointers or of
// pointers.
func isUnusual(t types.Type) bool {
	target := types.Unalias(t)
	pointer, behindPointer := target.(*types.Pointer)
	if behindPointer {
		target = pointer.Elem()
	}
	var element types.Type
	switch under := target.Underlying().(type) {
	case *types.Slice:
		element = under.Elem()
	case *types.Map:
		element = under.Elem()
	default:
		return false
	}
	_, ofPointers := types.Unalias(element).(*types.Pointer)
	return behindPointer && !isScalar(target) || ofPointers
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

// merge adds what t does not know yet, and returns where found contradicts; there t stays as it is.
func (t table) merge(found table) []string {
	conflicts := []string{}
	for _, name := range sortedKeys(found) {
		if t[name] == nil {
			t[name] = fields{}
		}
		for _, field := range sortedKeys(found[name]) {
			is, known := t[name][field]
			if was := found[name][field]; known && is != was {
				conflicts = append(conflicts, fmt.Sprintf("%s.%s is %q, was %q", name, field, is, was))
			} else {
				t[name][field] = was
			}
		}
	}
	return conflicts
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
