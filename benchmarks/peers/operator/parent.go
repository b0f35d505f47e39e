package main

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "bench.genreconcile.dev", Version: "v1"}

// A Parent is what the operator looks after; controller-gen writes the copying for its users.
type Parent struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ParentSpec   `json:"spec,omitempty"`
	Status            ParentStatus `json:"status,omitempty"`
}

type ParentSpec struct {
	Image    string   `json:"image"`
	Replicas int32    `json:"replicas"`
	Options  []string `json:"options,omitempty"`
}

type ParentStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type ParentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Parent `json:"items"`
}

func (p *Parent) DeepCopyObject() runtime.Object {
	copied := *p
	p.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	copied.Spec.Options = slices.Clone(p.Spec.Options)
	copied.Status.Conditions = slices.Clone(p.Status.Conditions)
	return &copied
}

func (l *ParentList) DeepCopyObject() runtime.Object {
	copied := *l
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	copied.Items = make([]Parent, len(l.Items))
	for i := range l.Items {
		copied.Items[i] = *l.Items[i].DeepCopyObject().(*Parent)
	}
	return &copied
}
