// Command grafana holds a dashboard on its standard input against the schema of Grafana's dashboards. It prints which
// fields are unknown, missing, or of another type, and nothing where all is well. Words that a field allows are not
// looked at: the SDK does not know them when it reads.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func check(input io.Reader) error {
	text, err := io.ReadAll(input)
	if err != nil {
		return err
	}
	plugins.RegisterDefaultPlugins() // Else the options of panels and the targets would not be looked into.
	found := dashboard.Dashboard{}
	if err := found.UnmarshalJSONStrict(text); err != nil {
		return err
	}
	return found.Validate()
}

func main() {
	if err := check(os.Stdin); err != nil && err.Error() != "" { // Its lists of errors may be empty, and not nil.
		fmt.Println(err)
	}
}
