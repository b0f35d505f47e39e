package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var deployments = appsv1.SchemeGroupVersion.WithResource("deployments")

// informerOptions say which of client-go's informers runs, and how.
type informerOptions struct {
	*options
	mode        string
	initial     string
	compression bool
}

func newInformerOptions(subcommand string) *informerOptions {
	o := &informerOptions{options: newOptions(subcommand)}
	o.StringVar(&o.mode, "mode", "dynamic", "dynamic, dynamic-stripped (without managedFields) or typed (protobuf)")
	o.StringVar(&o.initial, "initial", "", "how the objects arrive first: list or stream; by default as client-go does")
	o.BoolVar(&o.compression, "compression", true, "let the server compress its answers, as client-go does by default")
	return o
}

// informer returns the informer that the options ask for; it is not running yet.
func (o *informerOptions) informer() (cache.SharedIndexInformer, error) {
	if err := o.chooseInitial(); err != nil {
		return nil, err
	}
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	config.DisableCompression = !o.compression
	switch o.mode {
	case "dynamic":
		return dynamicInformer(config, o.namespace)
	case "dynamic-stripped":
		return strippedInformer(config, o.namespace)
	case "typed":
		return typedInformer(config, o.namespace)
	}
	return nil, fmt.Errorf("no such mode: %q", o.mode)
}

// chooseInitial sets client-go's feature gate, which it reads from the environment when the first client is made.
func (o *informerOptions) chooseInitial() error {
	gates := map[string]string{"list": "false", "stream": "true"}
	gate, known := gates[o.initial]
	if o.initial == "" {
		return nil
	}
	if !known {
		return fmt.Errorf("no such way to begin: %q", o.initial)
	}
	return os.Setenv("KUBE_FEATURE_WatchListClient", gate)
}

func dynamicInformer(config *rest.Config, namespace string) (cache.SharedIndexInformer, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, namespace, nil)
	return factory.ForResource(deployments).Informer(), nil
}

func strippedInformer(config *rest.Config, namespace string) (cache.SharedIndexInformer, error) {
	informer, err := dynamicInformer(config, namespace)
	if err != nil {
		return nil, err
	}
	return informer, informer.SetTransform(dropManagedFields)
}

func dropManagedFields(object any) (any, error) {
	if live, is := object.(*unstructured.Unstructured); is {
		unstructured.RemoveNestedField(live.Object, "metadata", "managedFields")
	}
	return object, nil
}

func typedInformer(config *rest.Config, namespace string) (cache.SharedIndexInformer, error) {
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	return factory.Apps().V1().Deployments().Informer(), nil
}

// wait returns when what is to be done is done, or when the process is told to end.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}
