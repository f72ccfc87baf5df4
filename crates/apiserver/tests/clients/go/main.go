// Command clients runs client-go's informers against an API server, and fails if they see anything else than what was
// done. What only the server can do to itself it asks for on its standard output, one word a line, and waits for an
// answer: `drop` (all watches), `compact`, `restart`.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/pager"
	"sigs.k8s.io/yaml"
)

const (
	namespace = "default"
	patience  = 60 * time.Second
	turn      = "turn"
)

var configMaps = corev1.SchemeGroupVersion.WithResource("configmaps")

// check ends the program if something failed.
func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func expect(what, found, expected string) {
	if found != expected {
		check(what, fmt.Errorf("found    %s\nexpected %s", found, expected))
	}
}

var answers = bufio.NewScanner(os.Stdin)

// ask lets the server do something to itself.
func ask(word string) {
	fmt.Println(word)
	if !answers.Scan() || answers.Text() != "done" {
		check(word, fmt.Errorf("answered with %q", answers.Text()))
	}
}

func eventually(what string, holds func() error) {
	began := time.Now()
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Since(began) > patience {
			check("never: "+what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// follower is an informer, and what its handler was told.
type follower struct {
	name     string
	informer cache.SharedIndexInformer
	mutex    sync.Mutex
	told     []string
}

func describe(object any) string {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	about, err := meta.Accessor(object)
	check("an object's metadata", err)
	return about.GetName() + "=" + about.GetAnnotations()[turn]
}

func newFollower(name string, informer cache.SharedIndexInformer) *follower {
	follower := &follower{name: name, informer: informer}
	tell := func(text string) {
		follower.mutex.Lock()
		defer follower.mutex.Unlock()
		follower.told = append(follower.told, text)
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { tell("+" + describe(object)) },
		UpdateFunc: func(before, after any) {
			if describe(before) != describe(after) {
				tell(describe(before) + ">" + describe(after))
			}
		},
		DeleteFunc: func(object any) { tell("-" + describe(object)) },
	})
	check("a handler", err)
	return follower
}

// expect waits until the handler was told these events since the last call, and no others.
func (f *follower) expect(what string, events ...string) {
	eventually(f.name+": "+what, func() error {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		if len(f.told) < len(events) {
			return fmt.Errorf("only %v of %v", f.told, events)
		}
		expect(f.name+": "+what, strings.Join(f.told, " "), strings.Join(events, " "))
		f.told = nil
		return nil
	})
}

// settle waits until the cache has what a list has, and forgets what the handler was told: after a gap, changes may
// have become one.
func (f *follower) settle(what, expected string) {
	eventually(f.name+": "+what, func() error {
		var known []string
		for _, object := range f.informer.GetStore().List() {
			known = append(known, describe(object))
		}
		slices.Sort(known)
		if found := strings.Join(known, " "); found != expected {
			return fmt.Errorf("the cache has %s instead of %s", found, expected)
		}
		f.mutex.Lock()
		defer f.mutex.Unlock()
		f.told = nil
		return nil
	})
}

type run struct {
	ctx       context.Context
	client    kubernetes.Interface
	followers []*follower
}

func (r *run) apply(name, app, turned string) {
	wanted := corev1apply.ConfigMap(name, namespace).
		WithLabels(map[string]string{"app": app}).
		WithAnnotations(map[string]string{turn: turned})
	options := metav1.ApplyOptions{FieldManager: "clients", Force: true}
	_, err := r.client.CoreV1().ConfigMaps(namespace).Apply(r.ctx, wanted, options)
	check("apply "+name, err)
}

func (r *run) remove(name string) {
	check("delete "+name, r.client.CoreV1().ConfigMaps(namespace).Delete(r.ctx, name, metav1.DeleteOptions{}))
}

// selected is what a list of the server gives for the selector, page by page.
func (r *run) selected() string {
	var found []string
	pages := 0
	list := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		pages++
		return r.client.CoreV1().ConfigMaps(namespace).List(ctx, options)
	})
	list.PageSize = 10
	options := metav1.ListOptions{LabelSelector: "app=a"}
	check("list", list.EachListItem(r.ctx, options, func(object runtime.Object) error {
		found = append(found, describe(object))
		return nil
	}))
	if pages < 3 {
		check("list", fmt.Errorf("only %d pages", pages))
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

func (r *run) all(each func(*follower)) {
	for _, follower := range r.followers {
		each(follower)
	}
}

// applies checks that fields have owners.
func (r *run) applies() {
	maps := r.client.CoreV1().ConfigMaps(namespace)
	wanted := corev1apply.ConfigMap("owned", namespace).WithData(map[string]string{"key": "one"})
	first, err := maps.Apply(r.ctx, wanted, metav1.ApplyOptions{FieldManager: "first"})
	check("apply", err)
	mine, err := corev1apply.ExtractConfigMap(first, "first")
	check("extract", err)
	expect("what the first one owns", fmt.Sprint(mine.Data), "map[key:one]")
	wanted.Data["key"] = "two"
	_, err = maps.Apply(r.ctx, wanted, metav1.ApplyOptions{FieldManager: "second"})
	if !apierrors.IsConflict(err) {
		check("apply", fmt.Errorf("no conflict but %v", err))
	}
	second, err := maps.Apply(r.ctx, wanted, metav1.ApplyOptions{FieldManager: "second", Force: true})
	check("apply by force", err)
	mine, err = corev1apply.ExtractConfigMap(second, "first")
	check("extract", err)
	expect("what the first one still owns", fmt.Sprint(len(mine.Data)), "0")
	r.remove("owned")
}

// describes reads the OpenAPI document as discovery does, in protobuf: what is in it is what is in the JSON.
func (r *run) describes() {
	found, err := r.client.Discovery().OpenAPISchema()
	check("the document in protobuf", err)
	text, err := r.client.Discovery().RESTClient().Get().AbsPath("/openapi/v2").
		SetHeader("Accept", "application/json").Do(r.ctx).Raw()
	check("the document in JSON", err)
	expected, err := openapi_v2.ParseDocument(text)
	check("the document in JSON", err)
	tree := func(document *openapi_v2.Document) (tree map[string]any) {
		text, err := document.YAMLValue("")
		check("a document as text", err)
		check("a document as text", yaml.Unmarshal(text, &tree))
		return tree
	}
	parts := tree(found)
	for part, value := range tree(expected) {
		if !reflect.DeepEqual(parts[part], value) {
			check("the document in protobuf", fmt.Errorf("%s is not what it is in JSON", part))
		}
	}
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	check("kubeconfig", err)
	config.QPS, config.Burst = 1000, 1000
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := &run{ctx: ctx, client: kubernetes.NewForConfigOrDie(config)}
	r.describes()
	r.applies()
	for number := range 25 {
		r.apply(fmt.Sprintf("a%02d", number), "a", "0")
	}
	r.apply("other", "b", "0")
	tweak := func(options *metav1.ListOptions) { options.LabelSelector = "app=a" }
	typed := informers.NewSharedInformerFactoryWithOptions(r.client, 0,
		informers.WithNamespace(namespace), informers.WithTweakListOptions(tweak))
	untyped := dynamicinformer.NewFilteredDynamicSharedInformerFactory(
		dynamic.NewForConfigOrDie(config), 0, namespace, tweak)
	partial := metadatainformer.NewFilteredSharedInformerFactory(
		metadata.NewForConfigOrDie(config), 0, namespace, tweak)
	r.followers = []*follower{
		newFollower("typed", typed.Core().V1().ConfigMaps().Informer()),
		newFollower("dynamic", untyped.ForResource(configMaps).Informer()),
		newFollower("metadata", partial.ForResource(configMaps).Informer()),
	}
	r.all(func(f *follower) { go f.informer.RunWithContext(ctx) })
	r.all(func(f *follower) { f.settle("the beginning", r.selected()) })

	r.apply("a03", "a", "1")
	r.apply("a03", "a", "2")
	r.apply("new", "a", "0")
	r.remove("a01")
	r.apply("a04", "b", "1")
	r.apply("other", "a", "1")
	r.all(func(f *follower) {
		f.expect("changes", "a03=0>a03=1", "a03=1>a03=2", "+new=0", "-a01=0", "-a04=0", "+other=1")
	})

	ask("drop")
	r.apply("a05", "a", "1")
	r.all(func(f *follower) { f.expect("a change after the end of a watch", "a05=0>a05=1") })

	ask("drop")
	r.apply("a06", "a", "1")
	r.remove("a07")
	ask("compact")
	r.apply("a08", "a", "1")
	r.all(func(f *follower) { f.settle("after history was forgotten", r.selected()) })

	ask("restart")
	r.apply("a09", "a", "1")
	r.remove("a10")
	r.all(func(f *follower) { f.settle("after a restart", r.selected()) })
	r.apply("a09", "a", "2")
	r.all(func(f *follower) { f.expect("a change after a restart", "a09=1>a09=2") })
	fmt.Println("well")
}
