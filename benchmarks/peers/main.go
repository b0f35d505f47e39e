// Peers runs what others do with the same objects, so that it can be measured next to genreconcile.
//
// Each subcommand prints one line of JSON on standard output when it ends, and everything else on standard error.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// A command parses its arguments, runs, and returns what is printed as JSON.
type command func(ctx context.Context, arguments []string) (any, error)

var commands = map[string]command{
	"sync":           runSync,
	"events":         runEvents,
	"raw":            runRaw,
	"compare":        runCompare,
	"converge":       runConverge,
	"createorupdate": runCreateOrUpdate,
	"flux":           runFlux,
	"watchpatch":     runWatchPatch,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "peers: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, output io.Writer) error {
	if len(arguments) == 0 || commands[arguments[0]] == nil {
		return fmt.Errorf("no such subcommand: say one of %v", slices.Sorted(maps.Keys(commands)))
	}
	result, err := commands[arguments[0]](ctx, arguments[1:])
	if err != nil {
		return fmt.Errorf("%s: %w", arguments[0], err)
	}
	return json.NewEncoder(output).Encode(result)
}
