package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

// driftAnnotation marks an object that somebody changed by hand.
const driftAnnotation = "bench.genreconcile.dev/drift"

const removeDrift = `[{"op":"remove","path":"/metadata/annotations/bench.genreconcile.dev~1drift"}]`

type watchPatchResult struct {
	Repaired int `json:"repaired"`
}

// A watchEvent is what is needed of a line of a watch.
type watchEvent struct {
	Type   string
	Object struct {
		Metadata struct {
			Name, Namespace string
			Annotations     map[string]string
		}
		Message string
	}
}

// runWatchPatch is the least that repairs: it reads a line of a watch, and sends a patch.
func runWatchPatch(ctx context.Context, arguments []string) (any, error) {
	o := newOptions("watchpatch")
	count := o.Int("count", 0, "`number` of repairs after which to end")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	if *count < 1 {
		return nil, errors.New("--count must be 1 or more")
	}
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	client, err := newPlainClient(config, 2)
	if err != nil {
		return nil, err
	}
	watch, err := openWatch(ctx, client, o.namespace)
	if err != nil {
		return nil, err
	}
	defer watch.Close()
	fmt.Fprintln(os.Stderr, "READY")
	return &watchPatchResult{*count}, repair(ctx, client, watch, *count)
}

// openWatch watches from the present on: an object that is marked already is not seen.
func openWatch(ctx context.Context, client *plainClient, namespace string) (io.ReadCloser, error) {
	var list bytes.Buffer
	if err := fetchPage(ctx, client, deploymentsPath(namespace)+"?limit=1", &list); err != nil {
		return nil, err
	}
	var page struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := json.Unmarshal(list.Bytes(), &page); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	query := url.Values{"watch": {"1"}, "timeoutSeconds": {"3600"}, "resourceVersion": {page.Metadata.ResourceVersion}}
	answer, err := client.send(ctx, http.MethodGet, deploymentsPath(namespace)+"?"+query.Encode(), "", nil)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

func repair(ctx context.Context, client *plainClient, watch io.Reader, count int) error {
	// The connection for the patches is opened before the first of them is due.
	if err := client.exchange(ctx, http.MethodGet, "/version", "", nil); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(watch, 1<<16)
	for repaired := 0; repaired < count; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("watch ended after %d repairs: %w", repaired, err)
		}
		done, err := repairOne(ctx, client, line)
		if err != nil {
			return err
		}
		if done {
			repaired++
		}
	}
	return nil
}

// repairOne tells whether the line was about a marked object, which then is repaired.
func repairOne(ctx context.Context, client *plainClient, line []byte) (bool, error) {
	var event watchEvent
	if err := json.Unmarshal(line, &event); err != nil {
		return false, fmt.Errorf("line of the watch: %w", err)
	}
	if event.Type == "ERROR" {
		return false, fmt.Errorf("watch: %s", event.Object.Message)
	}
	metadata := event.Object.Metadata
	if _, marked := metadata.Annotations[driftAnnotation]; !marked || event.Type == "DELETED" {
		return false, nil
	}
	path := deploymentsPath(metadata.Namespace) + "/" + metadata.Name
	return sendRepair(ctx, client, path)
}

func sendRepair(ctx context.Context, client *plainClient, path string) (bool, error) {
	err := client.exchange(ctx, http.MethodPatch, path, "application/json-patch+json", []byte(removeDrift))
	var status *statusError
	if errors.As(err, &status) && (status.code == http.StatusNotFound || status.code == http.StatusUnprocessableEntity) {
		// Another write between the mark and the repair shows the mark a second time.
		return false, nil
	}
	return err == nil, err
}
