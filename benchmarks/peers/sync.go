package main

import (
	"context"
	"errors"
	"runtime"

	"k8s.io/client-go/tools/cache"
)

type syncResult struct {
	Objects       int     `json:"objects"`
	Seconds       float64 `json:"seconds"`
	CPU           float64 `json:"cpu_seconds"`
	ResidentBegin int64   `json:"rss_before"`
	ResidentEnd   int64   `json:"rss_after"`
	HeapPerObject int64   `json:"heap_per_object"`
}

// runSync measures an informer from its start until its store holds all objects.
func runSync(ctx context.Context, arguments []string) (any, error) {
	o := newInformerOptions("sync")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	informer, err := o.informer()
	if err != nil {
		return nil, err
	}
	return measureSync(ctx, informer)
}

func measureSync(ctx context.Context, informer cache.SharedIndexInformer) (*syncResult, error) {
	before, err := measureMemory()
	if err != nil {
		return nil, err
	}
	began := now()
	go informer.RunWithContext(ctx)
	// Waiting for the channel, not cache.WaitForCacheSync: that one polls every 100 ms.
	if err := wait(ctx, informer.HasSyncedChecker().Done()); err != nil {
		return nil, err
	}
	ended := now()
	objects := len(informer.GetStore().ListKeys())
	if objects == 0 {
		return nil, errors.New("there are no objects")
	}
	after, err := measureMemory()
	runtime.KeepAlive(informer)
	if err := errors.Join(err, began.err, ended.err); err != nil {
		return nil, err
	}
	return &syncResult{
		Objects:       objects,
		Seconds:       ended.at.Sub(began.at).Seconds(),
		CPU:           (ended.cpu - began.cpu).Seconds(),
		ResidentBegin: before.resident,
		ResidentEnd:   after.resident,
		HeapPerObject: (after.heap - before.heap) / int64(objects),
	}, nil
}
