// A pod's status, from what its containers do. Reads no clock and talks to nobody.
package kubelet

import (
	"net/netip"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// picture is all that a pod's status is made of.
type picture struct {
	pod        *core.Pod
	containers []core.ContainerStatus
	address    netip.Addr // invalid until there is one
	host       netip.Addr
	began      time.Time
	trouble    string // what the pod waits for, if anything
}

// podStatus keeps the transition times of conditions that are as they were in before.
func podStatus(now picture, before *core.PodStatus, at time.Time) core.PodStatus {
	start := stamp(now.began)
	status := core.PodStatus{
		ObservedGeneration: now.pod.Generation,
		Phase:              phase(now),
		HostIP:             now.host.String(),
		HostIPs:            []core.HostIP{{IP: now.host.String()}},
		StartTime:          &start,
		ContainerStatuses:  now.containers,
		QOSClass:           now.pod.Status.QOSClass,
	}
	if now.address.IsValid() {
		status.PodIP = now.address.String()
		status.PodIPs = []core.PodIP{{IP: status.PodIP}}
	}
	var unready []string
	for _, container := range now.containers {
		if !container.Ready {
			unready = append(unready, container.Name)
		}
	}
	ready := core.PodCondition{Status: core.ConditionTrue}
	switch {
	case now.trouble != "":
		ready = core.PodCondition{Status: core.ConditionFalse, Reason: "ContainersNotReady", Message: now.trouble}
	case status.Phase == core.PodSucceeded:
		ready = core.PodCondition{Status: core.ConditionFalse, Reason: "PodCompleted"}
	case len(unready) > 0 || len(now.containers) == 0:
		ready = core.PodCondition{Status: core.ConditionFalse, Reason: "ContainersNotReady",
			Message: "containers with unready status: [" + strings.Join(unready, " ") + "]"}
	}
	for _, kind := range []core.PodConditionType{core.PodScheduled, core.PodInitialized, core.ContainersReady, core.PodReady} {
		condition := core.PodCondition{Status: core.ConditionTrue}
		if kind == core.ContainersReady || kind == core.PodReady {
			condition = ready
		}
		condition.Type, condition.ObservedGeneration = kind, now.pod.Generation
		condition.LastTransitionTime = transition(before, condition, at)
		status.Conditions = append(status.Conditions, condition)
	}
	return status
}

func phase(now picture) core.PodPhase {
	if len(now.containers) == 0 {
		return core.PodPending
	}
	running, failed := false, false
	for _, container := range now.containers {
		ended := container.State.Terminated
		running = running || ended == nil
		failed = failed || (ended != nil && ended.ExitCode != 0)
	}
	switch {
	case running:
		return core.PodRunning
	case failed:
		return core.PodFailed
	}
	return core.PodSucceeded
}

func transition(before *core.PodStatus, condition core.PodCondition, at time.Time) meta.Time {
	for _, old := range before.Conditions {
		if old.Type == condition.Type && old.Status == condition.Status {
			return old.LastTransitionTime
		}
	}
	return stamp(at)
}

// stamp has whole seconds, as the API server keeps no more.
func stamp(at time.Time) meta.Time { return meta.NewTime(at.Truncate(time.Second)) }
