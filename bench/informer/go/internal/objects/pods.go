// Pods: metadata, spec and status as they look in a running cluster, made from
// a workload plus what is random per Pod (name, uid, addresses, container ids,
// times).
package objects

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func (w *workload) pod(r random) *corev1.Pod {
	tokenVolume := tokenPrefix + r.suffix(5)
	created := r.before(baseTime, time.Duration(baseTime.Sub(w.created))+time.Hour)
	ip := r.podIP()
	node := r.IntN(5000)
	pod := &corev1.Pod{ObjectMeta: w.podMeta(r, created, ip), Spec: w.podSpec(tokenVolume, node)}
	pod.Status = w.podStatus(r, pod, created, ip, node)
	return pod
}

func (w *workload) podMeta(r random, created time.Time, ip string) metav1.ObjectMeta {
	owner, yes := w.app+"-"+w.hash, true
	return metav1.ObjectMeta{
		Name:              owner + "-" + r.suffix(5),
		GenerateName:      owner + "-",
		Namespace:         w.namespace,
		UID:               types.UID(r.uid()),
		ResourceVersion:   versionMark,
		Generation:        1,
		CreationTimestamp: metav1.NewTime(created),
		Labels:            w.labels(true),
		Annotations: map[string]string{
			Timestamp:                           timestampMark,
			"checksum/config":                   w.checksum,
			"cni.projectcalico.org/containerID": r.hex(32),
			"cni.projectcalico.org/podIP":       ip + "/32",
			"cni.projectcalico.org/podIPs":      ip + "/32",
			"prometheus.io/port":                "9102",
			"prometheus.io/scrape":              "true",
			"kubectl.kubernetes.io/restartedAt": w.created.Format(time.RFC3339),
			"helm.example.com/chart":            w.chart,
		},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "ReplicaSet", Name: owner, UID: types.UID(w.replicaSetUID),
			Controller: &yes, BlockOwnerDeletion: &yes,
		}},
	}
}

func (w *workload) labels(ofPod bool) map[string]string {
	out := map[string]string{
		"app.kubernetes.io/name":       w.app,
		"app.kubernetes.io/instance":   w.app,
		"app.kubernetes.io/version":    w.version,
		"app.kubernetes.io/part-of":    w.team,
		"app.kubernetes.io/managed-by": "Helm",
	}
	if ofPod {
		out["pod-template-hash"] = w.hash
		out["team"] = w.team
	}
	return out
}

func (w *workload) podSpec(tokenVolume string, node int) corev1.PodSpec {
	grace, priority, group := int64(45), int32(1000), int64(10001)
	seconds := int64(300)
	links, policy := true, corev1.PreemptLowerPriority
	return corev1.PodSpec{
		Volumes:                       w.volumes(tokenVolume),
		InitContainers:                w.initContainers(tokenVolume),
		Containers:                    w.containers(tokenVolume),
		RestartPolicy:                 corev1.RestartPolicyAlways,
		TerminationGracePeriodSeconds: &grace,
		DNSPolicy:                     corev1.DNSClusterFirst,
		ServiceAccountName:            w.app,
		DeprecatedServiceAccount:      w.app,
		NodeName:                      nodeName(node),
		SecurityContext:               &corev1.PodSecurityContext{FSGroup: &group},
		ImagePullSecrets:              []corev1.LocalObjectReference{{Name: "registry-pull"}},
		SchedulerName:                 corev1.DefaultSchedulerName,
		Tolerations: []corev1.Toleration{
			{Key: corev1.TaintNodeNotReady, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds},
			{Key: corev1.TaintNodeUnreachable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds},
		},
		PriorityClassName:         "service-default",
		Priority:                  &priority,
		EnableServiceLinks:        &links,
		PreemptionPolicy:          &policy,
		TopologySpreadConstraints: spread(w.app),
	}
}

func nodeName(n int) string {
	return fmt.Sprintf("ip-10-%d-%d-%d.eu-central-1.compute.internal", n%16, n/16%256, n*7%256)
}

func (w *workload) podStatus(r random, pod *corev1.Pod, created time.Time, ip string, node int) corev1.PodStatus {
	started := created.Add(time.Duration(r.IntN(4)) * time.Second)
	host := fmt.Sprintf("10.%d.%d.%d", node%16, node/16%256, node*7%256)
	start := metav1.NewTime(started)
	status := corev1.PodStatus{
		ObservedGeneration: 1,
		Phase:              corev1.PodRunning,
		Conditions:         podConditions(r, started),
		HostIP:             host,
		HostIPs:            []corev1.HostIP{{IP: host}},
		PodIP:              ip,
		PodIPs:             []corev1.PodIP{{IP: ip}},
		StartTime:          &start,
		QOSClass:           corev1.PodQOSBurstable,
	}
	for _, c := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, w.containerStatus(r, c, started, true))
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, w.containerStatus(r, c, started, false))
	}
	return status
}

// podConditions gives Ready and ContainersReady the time mark, because an update changes them.
func podConditions(r random, started time.Time) []corev1.PodCondition {
	early := metav1.NewTime(started)
	ready := metav1.NewTime(timeMark)
	condition := func(kind corev1.PodConditionType, at metav1.Time) corev1.PodCondition {
		return corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: at, ObservedGeneration: 1}
	}
	return []corev1.PodCondition{
		condition(corev1.PodReadyToStartContainers, metav1.NewTime(started.Add(time.Duration(1+r.IntN(5))*time.Second))),
		condition(corev1.PodInitialized, early),
		condition(corev1.PodReady, ready),
		condition(corev1.ContainersReady, ready),
		condition(corev1.PodScheduled, early),
	}
}

func (w *workload) containerStatus(r random, c corev1.Container, started time.Time, finished bool) corev1.ContainerStatus {
	begun := started.Add(time.Duration(1+r.IntN(40)) * time.Second)
	yes := true
	status := corev1.ContainerStatus{
		Name:               c.Name,
		Ready:              true,
		Image:              c.Image,
		ImageID:            w.imageID(c),
		ContainerID:        "containerd://" + r.hex(32),
		Started:            &yes,
		AllocatedResources: corev1.ResourceList{corev1.ResourceCPU: c.Resources.Requests[corev1.ResourceCPU], corev1.ResourceMemory: c.Resources.Requests[corev1.ResourceMemory]},
		Resources:          c.Resources.DeepCopy(),
		User:               &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: 10001, GID: 0, SupplementalGroups: []int64{0, 10001}}},
		VolumeMounts:       mountStatuses(c),
	}
	if r.chance(12) {
		status.RestartCount = int32(1 + r.IntN(6))
	}
	if finished {
		no := false
		status.Started = &no
		status.State.Terminated = &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: metav1.NewTime(started), FinishedAt: metav1.NewTime(begun), ContainerID: status.ContainerID,
		}
	} else {
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(begun)}
	}
	return status
}

func mountStatuses(c corev1.Container) []corev1.VolumeMountStatus {
	var out []corev1.VolumeMountStatus
	for _, m := range c.VolumeMounts {
		status := corev1.VolumeMountStatus{Name: m.Name, MountPath: m.MountPath, ReadOnly: m.ReadOnly}
		if m.ReadOnly {
			disabled := corev1.RecursiveReadOnlyDisabled
			status.RecursiveReadOnly = &disabled
		}
		out = append(out, status)
	}
	return out
}

func (w *workload) imageID(c corev1.Container) string {
	digest := w.digest
	switch c.Name {
	case "mesh-proxy":
		digest = w.meshDigest
	case "log-shipper", "wait-for-dependencies":
		digest = w.agentDigest
	}
	repository := c.Image
	for i := len(repository) - 1; i >= 0; i-- {
		if repository[i] == ':' {
			repository = repository[:i]
			break
		}
	}
	return repository + "@sha256:" + digest
}
