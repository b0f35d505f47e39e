// Operator is an operator as the users of controller-runtime write it. It is a program of its own, so that its memory
// is that of an operator, and not of all the libraries that the other peers need.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	namespace := flag.String("namespace", "", "that of the parents")
	workers := flag.Int("workers", 1, "`number` of reconciles at the same time")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	if err := operate(ctrl.SetupSignalHandler(), *namespace, *workers); err != nil {
		fmt.Fprintf(os.Stderr, "operator: %v\n", err)
		os.Exit(1)
	}
}

// operate runs until ctx ends. The flag --kubeconfig is one of controller-runtime's own.
func operate(ctx context.Context, namespace string, workers int) error {
	config, err := ctrl.GetConfig() // It sets no limit on the client's side.
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := register(scheme); err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme,
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{namespace: {}},
			DefaultTransform:  cache.TransformStripManagedFields(),
		},
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).
		For(&Parent{}).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ConfigMap{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler{manager.GetClient(), scheme})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}

func register(scheme *runtime.Scheme) error {
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	scheme.AddKnownTypes(groupVersion, &Parent{}, &ParentList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	return nil
}
