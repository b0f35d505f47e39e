package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// applyResult is what a client did with all objects, one call after the other.
type applyResult struct {
	Objects int     `json:"objects"`
	Seconds float64 `json:"seconds"`
	Changed int     `json:"changed"`
}

// runCreateOrUpdate measures the loop that most operators in Go have.
func runCreateOrUpdate(ctx context.Context, arguments []string) (any, error) {
	o := newOptions("createorupdate")
	file := o.String("bodies", "", "`file` with an object on each line")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	expected, err := readDeployments(*file, o.namespace)
	if err != nil {
		return nil, err
	}
	client, err := controllerRuntimeClient(o)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	changed, err := createOrUpdateAll(ctx, client, expected)
	return &applyResult{len(expected), time.Since(began).Seconds(), changed}, err
}

// controllerRuntimeClient returns a client without a cache that has learnt already where the objects are.
func controllerRuntimeClient(o *options) (client.Client, error) {
	log.SetLogger(logr.Discard())
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	result, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	kind := appsv1.SchemeGroupVersion.WithKind("Deployment")
	if _, err := result.RESTMapper().RESTMapping(schema.GroupKind{Group: kind.Group, Kind: kind.Kind}, kind.Version); err != nil {
		return nil, err
	}
	return result, nil
}

func readDeployments(file, namespace string) ([]*appsv1.Deployment, error) {
	bodies, err := readBodies(file, namespace)
	if err != nil {
		return nil, err
	}
	expected := make([]*appsv1.Deployment, len(bodies))
	for i, body := range bodies {
		expected[i] = &appsv1.Deployment{}
		if err := json.Unmarshal(body.json, expected[i]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		expected[i].Namespace = body.namespace
	}
	return expected, nil
}

// createOrUpdateAll returns how many objects were written.
func createOrUpdateAll(ctx context.Context, c client.Client, expected []*appsv1.Deployment) (int, error) {
	changed := 0
	for _, e := range expected {
		live := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: e.Name, Namespace: e.Namespace}}
		done, err := controllerutil.CreateOrUpdate(ctx, c, live, func() error {
			live.Labels = e.Labels
			live.Spec = e.Spec
			return nil
		})
		if err != nil {
			return changed, fmt.Errorf("%s/%s: %w", e.Namespace, e.Name, err)
		}
		if done != controllerutil.OperationResultNone {
			changed++
		}
	}
	return changed, nil
}
