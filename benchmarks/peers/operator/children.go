package main

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

func metadataOf(parent *Parent) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: parent.Name, Namespace: parent.Namespace, Labels: labelsOf(parent)}
}

func labelsOf(parent *Parent) map[string]string {
	return map[string]string{"app": parent.Name}
}

func configMap(parent *Parent) *corev1.ConfigMap {
	data := map[string]string{"image": parent.Spec.Image, "options": strings.Join(parent.Spec.Options, "\n")}
	return &corev1.ConfigMap{ObjectMeta: metadataOf(parent), Data: data}
}

func deployment(parent *Parent) *appsv1.Deployment {
	config := corev1.LocalObjectReference{Name: parent.Name}
	container := corev1.Container{
		Name:    "server",
		Image:   parent.Spec.Image,
		Ports:   []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: config}}},
	}
	return &appsv1.Deployment{
		ObjectMeta: metadataOf(parent),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(parent.Spec.Replicas),
			Selector: &metav1.LabelSelector{MatchLabels: labelsOf(parent)},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labelsOf(parent)},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{container}},
			},
		},
	}
}

func service(parent *Parent) *corev1.Service {
	ports := []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}}
	return &corev1.Service{
		ObjectMeta: metadataOf(parent),
		Spec:       corev1.ServiceSpec{Selector: labelsOf(parent), Ports: ports},
	}
}
