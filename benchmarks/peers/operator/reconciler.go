package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

type reconciler struct {
	client.Client
	scheme *runtime.Scheme
}

// Reconcile brings the three children of a parent to what it says, then its status.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	parent := &Parent{}
	if err := r.Get(ctx, request.NamespacedName, parent); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	for _, keep := range []func(context.Context, *Parent) error{r.configMap, r.deployment, r.service} {
		if err := keep(ctx, parent); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.status(ctx, parent)
}

func (r *reconciler) configMap(ctx context.Context, parent *Parent) error {
	expected, live := configMap(parent), &corev1.ConfigMap{}
	return r.keep(ctx, parent, expected, live, func() bool {
		if equality.Semantic.DeepDerivative(expected.Data, live.Data) {
			return false
		}
		live.Data = expected.Data
		return true
	})
}

func (r *reconciler) deployment(ctx context.Context, parent *Parent) error {
	expected, live := deployment(parent), &appsv1.Deployment{}
	return r.keep(ctx, parent, expected, live, func() bool {
		if equality.Semantic.DeepDerivative(expected.Spec, live.Spec) {
			return false
		}
		live.Spec = expected.Spec
		return true
	})
}

func (r *reconciler) service(ctx context.Context, parent *Parent) error {
	expected, live := service(parent), &corev1.Service{}
	return r.keep(ctx, parent, expected, live, func() bool {
		if equality.Semantic.DeepDerivative(expected.Spec, live.Spec) {
			return false
		}
		live.Spec.Selector, live.Spec.Ports = expected.Spec.Selector, expected.Spec.Ports
		return true
	})
}

// keep creates what is not there, and updates what drift has changed; copied copies the spec, and says whether it had to.
func (r *reconciler) keep(ctx context.Context, parent *Parent, expected, live client.Object, copied func() bool) error {
	if err := controllerutil.SetControllerReference(parent, expected, r.scheme); err != nil {
		return err
	}
	err := r.Get(ctx, client.ObjectKeyFromObject(expected), live)
	if errors.IsNotFound(err) {
		return r.Create(ctx, expected)
	}
	if err != nil {
		return err
	}
	changed := copied()
	if !equality.Semantic.DeepDerivative(expected.GetLabels(), live.GetLabels()) {
		live.SetLabels(expected.GetLabels())
		changed = true
	}
	if !changed {
		return nil
	}
	return r.Update(ctx, live)
}

func (r *reconciler) status(ctx context.Context, parent *Parent) error {
	before := parent.Status
	parent = parent.DeepCopyObject().(*Parent)
	parent.Status.ObservedGeneration = parent.Generation
	condition, err := r.ready(ctx, parent)
	if err != nil {
		return err
	}
	meta.SetStatusCondition(&parent.Status.Conditions, condition)
	if equality.Semantic.DeepEqual(before, parent.Status) {
		return nil
	}
	return r.Status().Update(ctx, parent)
}

func (r *reconciler) ready(ctx context.Context, parent *Parent) (metav1.Condition, error) {
	live := &appsv1.Deployment{}
	if err := r.Get(ctx, client.ObjectKeyFromObject(parent), live); client.IgnoreNotFound(err) != nil {
		return metav1.Condition{}, err
	}
	condition := metav1.Condition{
		Type:               "Ready",
		Status:             metav1.ConditionFalse,
		Reason:             "InProgress",
		Message:            fmt.Sprintf("%d of %d replicas are ready", live.Status.ReadyReplicas, parent.Spec.Replicas),
		ObservedGeneration: parent.Generation,
	}
	if live.Status.ReadyReplicas >= parent.Spec.Replicas {
		condition.Status, condition.Reason = metav1.ConditionTrue, "Ready"
	}
	return condition, nil
}
