package main

import (
	"context"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// runFlux measures Flux's own client: a dry-run of each object with server-side apply, and the apply where it differs.
func runFlux(ctx context.Context, arguments []string) (any, error) {
	o := newOptions("flux")
	file := o.String("bodies", "", "`file` with an object on each line")
	concurrency := o.Int("concurrency", 4, "`number` of dry-runs at a time; Flux's controller makes 4 by default")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	objects, err := readNamespaced(*file, o.namespace)
	if err != nil {
		return nil, err
	}
	client, err := controllerRuntimeClient(o)
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(client, client.RESTMapper(), polling.Options{})
	manager := ssa.NewResourceManager(client, poller, ssa.Owner{Field: "peers", Group: "bench.genreconcile.dev"})
	manager.SetConcurrency(*concurrency)
	began := time.Now()
	changes, err := manager.ApplyAll(ctx, objects, ssa.DefaultApplyOptions())
	if err != nil {
		return nil, err
	}
	return &applyResult{len(objects), time.Since(began).Seconds(), countChanged(changes)}, nil
}

func readNamespaced(file, namespace string) ([]*unstructured.Unstructured, error) {
	bodies, err := readBodies(file, namespace)
	if err != nil {
		return nil, err
	}
	objects, err := readObjects(file)
	if err != nil {
		return nil, err
	}
	for i, object := range objects {
		object.SetNamespace(bodies[i].namespace)
	}
	return objects, nil
}

func countChanged(changes *ssa.ChangeSet) int {
	changed := 0
	for _, entry := range changes.Entries {
		if entry.Action == ssa.CreatedAction || entry.Action == ssa.ConfiguredAction {
			changed++
		}
	}
	return changed
}
