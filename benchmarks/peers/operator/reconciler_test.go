package main

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// ground is an operator with one parent, on a server in memory that counts writes.
type ground struct {
	*reconciler
	writes  int
	request ctrl.Request
}

func newGround(t *testing.T) *ground {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := register(scheme); err != nil {
		t.Fatal(err)
	}
	parent := &Parent{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "shop", UID: "u", Generation: 1},
		Spec:       ParentSpec{Image: "shop:1", Replicas: 3, Options: []string{"x", "y"}},
	}
	g := &ground{request: ctrl.Request{NamespacedName: client.ObjectKeyFromObject(parent)}}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(parent).WithStatusSubresource(parent).
		WithInterceptorFuncs(interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, o client.Object, more ...client.CreateOption) error {
				g.writes++
				return c.Create(ctx, o, more...)
			},
			Update: func(ctx context.Context, c client.WithWatch, o client.Object, more ...client.UpdateOption) error {
				g.writes++
				return c.Update(ctx, o, more...)
			},
		}).Build()
	g.reconciler = &reconciler{c, scheme}
	return g
}

// run reconciles the parent and returns how many children were written.
func (g *ground) run(t *testing.T) int {
	t.Helper()
	g.writes = 0
	if _, err := g.Reconcile(t.Context(), g.request); err != nil {
		t.Fatal(err)
	}
	return g.writes
}

func (g *ground) get(t *testing.T, object client.Object) {
	t.Helper()
	if err := g.Get(t.Context(), g.request.NamespacedName, object); err != nil {
		t.Fatal(err)
	}
}

func TestThreeChildrenAreMadeOnceAndTheStatusTells(t *testing.T) {
	g := newGround(t)
	if made, again := g.run(t), g.run(t); made != 3 || again != 0 {
		t.Errorf("writes: %d, then %d", made, again)
	}
	for _, child := range []client.Object{&appsv1.Deployment{}, &corev1.Service{}, &corev1.ConfigMap{}} {
		g.get(t, child)
		if owner := metav1.GetControllerOf(child); owner == nil || owner.UID != "u" {
			t.Errorf("%T: controlled by %v", child, owner)
		}
	}
	parent := &Parent{}
	g.get(t, parent)
	if parent.Status.ObservedGeneration != 1 || len(parent.Status.Conditions) != 1 {
		t.Errorf("status: %+v", parent.Status)
	}
}

func TestEachChildIsRepaired(t *testing.T) {
	g := newGround(t)
	g.run(t)
	deployment, service, config := &appsv1.Deployment{}, &corev1.Service{}, &corev1.ConfigMap{}
	edits := []func(){
		func() { g.get(t, deployment); *deployment.Spec.Replicas = 7 },
		func() { g.get(t, service); service.Spec.Selector["app"] = "elsewhere" },
		func() { g.get(t, config); config.Data["image"] = "other" },
	}
	for i, child := range []client.Object{deployment, service, config} {
		edits[i]()
		if err := g.Update(t.Context(), child); err != nil {
			t.Fatal(err)
		}
		if repaired, again := g.run(t), g.run(t); repaired != 1 || again != 0 {
			t.Errorf("%T: writes: %d, then %d", child, repaired, again)
		}
	}
	g.get(t, deployment)
	g.get(t, service)
	g.get(t, config)
	if *deployment.Spec.Replicas != 3 || service.Spec.Selector["app"] != "a" || config.Data["image"] != "shop:1" {
		t.Errorf("%v, %v, %v", *deployment.Spec.Replicas, service.Spec.Selector, config.Data)
	}
}
