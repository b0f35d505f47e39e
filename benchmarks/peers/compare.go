package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/diff"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type compareResult struct {
	Objects   int     `json:"objects"`
	Seconds   float64 `json:"seconds"`
	CPU       float64 `json:"cpu_seconds"`
	Different int     `json:"different"`
}

// An engine tells whether a live object differs from the expected one; it changes neither.
type engine func(ctx context.Context, expected, live *unstructured.Unstructured) (bool, error)

var engines = map[string]engine{
	"argocd":         argoDiffers,
	"deepderivative": derivativeDiffers,
	"equality":       equalityDiffers,
}

// argoDiffers asks Argo CD's engine, with its own defaults: a three-way or two-way merge patch, no server involved.
func argoDiffers(ctx context.Context, expected, live *unstructured.Unstructured) (bool, error) {
	result, err := diff.Diff(ctx, expected, live)
	if err != nil {
		return false, err
	}
	return result.Modified, nil
}

// derivativeDiffers asks whether live has what is expected; what only live has is not looked at.
func derivativeDiffers(_ context.Context, expected, live *unstructured.Unstructured) (bool, error) {
	return !equality.Semantic.DeepDerivative(expected.Object, live.Object), nil
}

// equalityDiffers asks whether both are the same altogether.
func equalityDiffers(_ context.Context, expected, live *unstructured.Unstructured) (bool, error) {
	return !equality.Semantic.DeepEqual(expected.Object, live.Object), nil
}

// runCompare measures how many pairs an engine compares.
func runCompare(ctx context.Context, arguments []string) (any, error) {
	o := newOptions("compare")
	name := o.String("engine", "", "argocd, deepderivative or equality")
	expectedFile := o.String("expected", "", "`file` with an expected object on each line")
	liveFile := o.String("live", "", "`file` with the live object on the same line")
	seconds := o.Float64("seconds", 3, "how long to compare; one round is always finished")
	o.String("schema", "", "accepted and not used: these engines have the types compiled in")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	compare := engines[*name]
	if compare == nil {
		return nil, fmt.Errorf("no such engine: %q", *name)
	}
	pairs, err := readPairs(*expectedFile, *liveFile)
	if err != nil {
		return nil, err
	}
	return measureCompare(ctx, compare, pairs, time.Duration(*seconds*float64(time.Second)))
}

type pair struct{ expected, live *unstructured.Unstructured }

func readPairs(expectedFile, liveFile string) ([]pair, error) {
	expected, err := readObjects(expectedFile)
	if err != nil {
		return nil, err
	}
	live, err := readObjects(liveFile)
	if err != nil {
		return nil, err
	}
	if len(expected) != len(live) {
		return nil, fmt.Errorf("%s has %d objects, %s has %d", expectedFile, len(expected), liveFile, len(live))
	}
	pairs := make([]pair, len(expected))
	for i := range expected {
		pairs[i] = pair{expected[i], live[i]}
	}
	return pairs, nil
}

// measureCompare goes round all pairs until the time is over, and at least once.
func measureCompare(ctx context.Context, compare engine, pairs []pair, limit time.Duration) (*compareResult, error) {
	result := &compareResult{}
	began := now()
	for result.Objects < len(pairs) || time.Since(began.at) < limit {
		pair := pairs[result.Objects%len(pairs)]
		differs, err := compare(ctx, pair.expected, pair.live)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, fmt.Errorf("%s: %w", pair.expected.GetName(), err)
		}
		if differs && result.Objects < len(pairs) {
			result.Different++
		}
		result.Objects++
	}
	ended := now()
	result.Seconds = ended.at.Sub(began.at).Seconds()
	result.CPU = (ended.cpu - began.cpu).Seconds()
	return result, errors.Join(began.err, ended.err)
}
