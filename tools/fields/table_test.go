package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

const source = `package v1

type Phase string
type Inline struct {
	Flat *bool ` + "`json:\"flat\"`" + `
}
type Inner struct{}
type Own struct {
	Hidden string ` + "`json:\"hidden\"`" + `
}
func (*Own) MarshalJSON() ([]byte, error) { return nil, nil }
type alias = string
type All struct {
	Inline  ` + "`json:\",inline\"`" + `
	Phase   Phase             ` + "`json:\"phase,omitempty\"`" + `
	Alias   alias             ` + "`json:\"alias\"`" + `
	Bytes   []byte            ` + "`json:\"bytes\"`" + `
	Number  *int32            ` + "`json:\"number,omitempty\"`" + `
	Struct  Inner             ` + "`json:\"struct\"`" + `
	Own     Own               ` + "`json:\"own\"`" + `
	Pointer *Inner            ` + "`json:\"pointer\"`" + `
	List    []string          ` + "`json:\"list\"`" + `
	Map     map[string]string ` + "`json:\"map\"`" + `
	Not     string            ` + "`json:\"-\"`" + `
	private string            ` + "`json:\"private\"`" + `
	Untagged string
}
`

func checked(t *testing.T, text string) *types.Package {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{}).Check("k8s.io/api/some/v1", files, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

func TestNatures(t *testing.T) {
	found := table{}
	found.addPackage(checked(t, source))
	want := `{
"io.k8s.api.some.v1.All":{"pointer":["flat","number"],"struct":["struct"],"value":["alias","bytes","phase"]},
"io.k8s.api.some.v1.Inline":{"pointer":["flat"],"struct":[],"value":[]},
"io.k8s.api.some.v1.Inner":{"pointer":[],"struct":[],"value":[]}
}
`
	if got := found.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnusualTypes(t *testing.T) {
	pkg := checked(t, `package v1
type Odd struct {
	A *[]string
	B map[string]*int
	C []*int
	D []string
	E *struct{}
	F map[string]int
}`)
	odd := pkg.Scope().Lookup("Odd").Type().Underlying().(*types.Struct)
	for i, want := range []bool{true, true, true, false, false, false} {
		if field := odd.Field(i); isUnusual(field.Type()) != want {
			t.Errorf("%s: unusual is %t", field.Type(), !want)
		}
	}
}

func TestMerge(t *testing.T) {
	merged := table{"T": {"a": "value"}}
	conflicts := merged.merge(table{"T": {"a": "pointer", "b": "value"}, "U": {"c": "struct"}})
	want := "{\n\"T\":{\"pointer\":[],\"struct\":[],\"value\":[\"a\",\"b\"]},\n\"U\":{\"pointer\":[],\"struct\":[\"c\"],\"value\":[]}\n}\n"
	if got := merged.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(conflicts) != 1 || conflicts[0] != `T.a is "value", was "pointer"` {
		t.Errorf("conflicts: %q", conflicts)
	}
}
