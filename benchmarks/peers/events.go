package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/tools/cache"
)

type eventsResult struct {
	Events  int     `json:"events"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
}

// runEvents measures how an informer takes in updates: from the first of them to the last.
func runEvents(ctx context.Context, arguments []string) (any, error) {
	o := newInformerOptions("events")
	count := o.Int("count", 0, "`number` of updates to wait for")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	if *count < 1 {
		return nil, errors.New("--count must be 1 or more")
	}
	informer, err := o.informer()
	if err != nil {
		return nil, err
	}
	counter := &updateCounter{wanted: *count, reached: make(chan struct{})}
	return counter.measure(ctx, informer)
}

// updateCounter counts the updates that a handler sees. Only the handler's goroutine writes, until reached is closed.
type updateCounter struct {
	wanted, seen int
	first, last  moment
	reached      chan struct{}
}

func (c *updateCounter) measure(ctx context.Context, informer cache.SharedIndexInformer) (*eventsResult, error) {
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: c.update})
	if err != nil {
		return nil, err
	}
	go informer.RunWithContext(ctx)
	if err := wait(ctx, registration.HasSyncedChecker().Done()); err != nil {
		return nil, err
	}
	fmt.Fprintln(os.Stderr, "READY")
	if err := wait(ctx, c.reached); err != nil {
		return nil, err
	}
	return c.result()
}

func (c *updateCounter) update(_, _ any) {
	c.seen++
	if c.seen == 1 {
		c.first = now()
	}
	if c.seen == c.wanted {
		c.last = now()
		close(c.reached)
	}
}

func (c *updateCounter) result() (*eventsResult, error) {
	if err := errors.Join(c.first.err, c.last.err); err != nil {
		return nil, err
	}
	return &eventsResult{c.wanted, c.last.at.Sub(c.first.at).Seconds(), (c.last.cpu - c.first.cpu).Seconds()}, nil
}
