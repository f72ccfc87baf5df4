// The changes that churn draws from. Each does one small thing in one namespace.
package churn

import (
	"context"
	"encoding/json"
	"fmt"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// churnLabel marks what churn made and may delete again.
const churnLabel = "harbor.example.com/made-by"

const (
	replicasMax = 4
	visitorsMax = 5 // pods of churn's own, per namespace
	tidesMax    = 6 // custom resources of churn's own, per namespace
)

var tides = schema.GroupVersionResource{Group: "harbor.example.com", Version: "v1", Resource: "tides"}

var madeByChurn = meta.ListOptions{LabelSelector: churnLabel + "=churn"}

// change makes one change in one of the sample's namespaces.
func (c *churner) change(ctx context.Context) error {
	namespaces, err := c.namespaces(ctx)
	if err != nil || len(namespaces) == 0 {
		return err
	}
	namespace := namespaces[c.random.IntN(len(namespaces))]
	kinds := []func(context.Context, string) error{
		c.scaleDeployment, c.relabelService, c.editConfigMap, c.comeOrGoVisitor, c.comeOrGoTide, c.comeOrGoTide,
	}
	return kinds[c.random.IntN(len(kinds))](ctx, namespace)
}

func (c *churner) scaleDeployment(ctx context.Context, namespace string) error {
	deployments := c.client.AppsV1().Deployments(namespace)
	list, err := deployments.List(ctx, meta.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		return err
	}
	name := list.Items[c.random.IntN(len(list.Items))].Name
	patch := map[string]any{"spec": map[string]any{"replicas": 1 + c.random.IntN(replicasMax)}}
	_, err = deployments.Patch(ctx, name, types.MergePatchType, encode(patch), meta.PatchOptions{})
	return err
}

func (c *churner) relabelService(ctx context.Context, namespace string) error {
	services := c.client.CoreV1().Services(namespace)
	list, err := services.List(ctx, meta.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		return err
	}
	name := list.Items[c.random.IntN(len(list.Items))].Name
	patch := map[string]any{"metadata": map[string]any{"labels": map[string]any{"tide": c.level()}}}
	_, err = services.Patch(ctx, name, types.MergePatchType, encode(patch), meta.PatchOptions{})
	return err
}

func (c *churner) editConfigMap(ctx context.Context, namespace string) error {
	patch := map[string]any{"data": map[string]any{"tide": c.level()}}
	_, err := c.client.CoreV1().ConfigMaps(namespace).Patch(ctx, "settings", types.MergePatchType, encode(patch), meta.PatchOptions{})
	return err
}

// comeOrGoVisitor creates or deletes a bare pod.
func (c *churner) comeOrGoVisitor(ctx context.Context, namespace string) error {
	pods := c.client.CoreV1().Pods(namespace)
	list, err := pods.List(ctx, madeByChurn)
	if err != nil {
		return err
	}
	if c.shouldGo(len(list.Items), visitorsMax) {
		return pods.Delete(ctx, list.Items[c.random.IntN(len(list.Items))].Name, meta.DeleteOptions{})
	}
	visitor := &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: c.name("visitor"), Labels: map[string]string{churnLabel: "churn"}},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "main", Image: "registry.example.com/visitor:1"}}},
	}
	_, err = pods.Create(ctx, visitor, meta.CreateOptions{})
	return err
}

// comeOrGoTide creates, updates or deletes a custom resource.
func (c *churner) comeOrGoTide(ctx context.Context, namespace string) error {
	resource := c.dynamic.Resource(tides).Namespace(namespace)
	list, err := resource.List(ctx, madeByChurn)
	if err != nil {
		return err
	}
	count := len(list.Items)
	if c.shouldGo(count, tidesMax) {
		return resource.Delete(ctx, list.Items[c.random.IntN(count)].GetName(), meta.DeleteOptions{})
	}
	if count > 0 && c.random.IntN(2) == 0 {
		patch := map[string]any{"spec": map[string]any{"centimetres": c.random.IntN(600)}}
		_, err = resource.Patch(ctx, list.Items[c.random.IntN(count)].GetName(), types.MergePatchType, encode(patch), meta.PatchOptions{})
		return err
	}
	tide := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": tides.GroupVersion().String(),
		"kind":       "Tide",
		"metadata":   map[string]any{"name": c.name("tide"), "labels": map[string]any{churnLabel: "churn"}},
		"spec":       map[string]any{"station": "Cuxhaven", "centimetres": int64(c.random.IntN(600))},
	}}
	_, err = resource.Create(ctx, tide, meta.CreateOptions{})
	return err
}

// shouldGo keeps a number between none and its limit, wandering in between.
func (c *churner) shouldGo(count, limit int) bool {
	return count > 0 && c.random.IntN(limit) < count
}

func (c *churner) level() string {
	return []string{"low", "rising", "high", "falling"}[c.random.IntN(4)]
}

func (c *churner) name(prefix string) string {
	return fmt.Sprintf("%s-%05x", prefix, c.random.IntN(1<<20))
}

// encode cannot fail: patches are maps of strings and numbers.
func encode(patch map[string]any) []byte {
	raw, err := json.Marshal(patch)
	if err != nil {
		panic(fmt.Sprintf("invariant: a patch is encodable: %v", err))
	}
	return raw
}
