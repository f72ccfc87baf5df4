// Deployments and EndpointSlices, made from the same workloads as the Pods.
package objects

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (w *workload) deployment() *appsv1.Deployment {
	replicas, history, deadline := int32(w.replicas), int32(10), int32(600)
	quarter := intstr.FromString("25%")
	template := w.podSpec("", 0)
	template.NodeName = ""
	template.Volumes = template.Volumes[:len(template.Volumes)-1]
	for i := range template.Containers {
		mounts := template.Containers[i].VolumeMounts
		template.Containers[i].VolumeMounts = mounts[:len(mounts)-1]
	}
	selector := map[string]string{"app.kubernetes.io/name": w.app, "app.kubernetes.io/instance": w.app}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Name: w.app, Namespace: w.namespace, UID: types.UID(w.deploymentUID), ResourceVersion: versionMark,
			Generation: int64(w.tuning), CreationTimestamp: metav1.NewTime(w.created), Labels: w.labels(false),
			Annotations: map[string]string{
				Timestamp: timestampMark, "deployment.kubernetes.io/revision": fmt.Sprint(w.tuning),
				"meta.helm.sh/release-name": w.app, "meta.helm.sh/release-namespace": w.namespace,
			},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: w.labels(false), Annotations: map[string]string{"checksum/config": w.checksum}},
				Spec:       template,
			},
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &quarter, MaxSurge: &quarter},
			},
			RevisionHistoryLimit: &history, ProgressDeadlineSeconds: &deadline,
		},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: int64(w.tuning), Replicas: replicas, UpdatedReplicas: replicas,
			ReadyReplicas: replicas, AvailableReplicas: replicas, Conditions: w.deploymentConditions(),
		},
	}
}

func (w *workload) deploymentConditions() []appsv1.DeploymentCondition {
	changed := metav1.NewTime(timeMark)
	created := metav1.NewTime(w.created)
	return []appsv1.DeploymentCondition{
		{
			Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, LastUpdateTime: created, LastTransitionTime: created,
			Reason: "NewReplicaSetAvailable", Message: fmt.Sprintf("ReplicaSet %q has successfully progressed.", w.app+"-"+w.hash),
		},
		{
			Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, LastUpdateTime: changed, LastTransitionTime: created,
			Reason: "MinimumReplicasAvailable", Message: "Deployment has minimum availability.",
		},
	}
}

func (w *workload) endpointSlice(r random) *discoveryv1.EndpointSlice {
	yes, no := true, false
	name, port, protocol := "http", w.stack.port, corev1.ProtocolTCP
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: w.app + "-" + r.suffix(5), GenerateName: w.app + "-", Namespace: w.namespace,
			UID: types.UID(r.uid()), ResourceVersion: versionMark, Generation: int64(w.tuning),
			CreationTimestamp: metav1.NewTime(w.created),
			Labels: map[string]string{
				discoveryv1.LabelServiceName: w.app, discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io",
				"app.kubernetes.io/name": w.app, "app.kubernetes.io/managed-by": "Helm",
			},
			Annotations: map[string]string{
				Timestamp: timestampMark, "endpoints.kubernetes.io/last-change-trigger-time": timeMark.Format(time.RFC3339),
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "Service", Name: w.app, UID: types.UID(r.uid()), Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port, Protocol: &protocol}},
	}
	for range min(w.replicas, 100) {
		node, zone := nodeName(r.IntN(5000)), pick(r, zones)
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{r.podIP()},
			Conditions: discoveryv1.EndpointConditions{Ready: &yes, Serving: &yes, Terminating: &no},
			NodeName:   &node, Zone: &zone,
			TargetRef: &corev1.ObjectReference{
				Kind: "Pod", Namespace: w.namespace, Name: w.app + "-" + w.hash + "-" + r.suffix(5), UID: types.UID(r.uid()),
			},
		})
	}
	return slice
}
