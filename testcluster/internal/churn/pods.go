// Makes the sample's pods look alive: binds them to made-up nodes, calls them running, and lets go of
// those that are to be deleted.
//
// No container runs. A real stand-in for kubelets belongs into a folder of its own; with one, churn
// is started with --pods=false.
package churn

import (
	"context"
	"errors"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodes are made up; nothing runs there.
var nodes = []string{"harbor-node-1", "harbor-node-2"}

func (c *churner) playKubelet(ctx context.Context) error {
	if err := c.ensureNodes(ctx); err != nil {
		return err
	}
	namespaces, err := c.namespaces(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, namespace := range namespaces {
		list, err := c.client.CoreV1().Pods(namespace).List(ctx, meta.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			err := c.attend(ctx, &list.Items[i])
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				failures = append(failures, err)
			}
		}
	}
	return errors.Join(failures...)
}

func (c *churner) ensureNodes(ctx context.Context) error {
	for _, name := range nodes {
		if _, err := c.client.CoreV1().Nodes().Get(ctx, name, meta.GetOptions{}); err == nil {
			continue
		} else if !apierrors.IsNotFound(err) {
			return err
		}
		node := &core.Node{
			ObjectMeta: meta.ObjectMeta{Name: name},
			Status:     core.NodeStatus{Conditions: []core.NodeCondition{{Type: core.NodeReady, Status: core.ConditionTrue, Reason: "Pretended"}}},
		}
		if _, err := c.client.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{}); err != nil {
			return fmt.Errorf("make node %s: %w", name, err)
		}
	}
	return nil
}

// attend takes a pod one step further in its life.
func (c *churner) attend(ctx context.Context, pod *core.Pod) error {
	pods := c.client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.DeletionTimestamp != nil:
		now := int64(0)
		return pods.Delete(ctx, pod.Name, meta.DeleteOptions{GracePeriodSeconds: &now})
	case pod.Spec.NodeName == "":
		return pods.Bind(ctx, &core.Binding{
			ObjectMeta: meta.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace},
			Target:     core.ObjectReference{Kind: "Node", Name: nodes[c.random.IntN(len(nodes))]},
		}, meta.CreateOptions{})
	case pod.Status.Phase == core.PodPending:
		c.addresses++
		pod.Status = runningStatus(pod, podAddress(c.addresses))
		_, err := pods.UpdateStatus(ctx, pod, meta.UpdateOptions{})
		return err
	}
	return nil
}

func runningStatus(pod *core.Pod, address string) core.PodStatus {
	now := meta.NewTime(time.Now())
	status := *pod.Status.DeepCopy()
	status.Phase = core.PodRunning
	status.PodIP = address
	status.PodIPs = []core.PodIP{{IP: address}}
	status.StartTime = &now
	status.Conditions = nil
	for _, condition := range []core.PodConditionType{core.PodScheduled, core.PodInitialized, core.ContainersReady, core.PodReady} {
		status.Conditions = append(status.Conditions, core.PodCondition{Type: condition, Status: core.ConditionTrue, LastTransitionTime: now})
	}
	status.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		started := true
		status.ContainerStatuses = append(status.ContainerStatuses, core.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image, Ready: true, Started: &started,
			State: core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: now}},
		})
	}
	return status
}

// podAddress is the n-th address of 10.244.0.0/16, over and over.
func podAddress(n int) string {
	n = 1 + n%65000
	return fmt.Sprintf("10.244.%d.%d", n>>8, n&0xff)
}
