package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

type convergeResult struct {
	Objects int     `json:"objects"`
	Seconds float64 `json:"seconds"`
}

// runConverge measures how long it takes to POST all objects as they stand in the file.
func runConverge(ctx context.Context, arguments []string) (any, error) {
	o := newOptions("converge")
	file := o.String("bodies", "", "`file` with an object on each line")
	connections := o.Int("connections", 1, "`number` of connections, each with one request at a time")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	if *connections < 1 {
		return nil, errors.New("--connections must be 1 or more")
	}
	bodies, err := readBodies(*file, o.namespace)
	if err != nil {
		return nil, err
	}
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	client, err := newPlainClient(config, *connections)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	err = postAll(ctx, client, bodies, *connections)
	return &convergeResult{len(bodies), time.Since(began).Seconds()}, err
}

func postAll(ctx context.Context, client *plainClient, bodies []body, connections int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connections)
	for _, body := range bodies {
		group.Go(func() error {
			return client.exchange(ctx, http.MethodPost, deploymentsPath(body.namespace), "application/json", body.json)
		})
	}
	return group.Wait()
}
