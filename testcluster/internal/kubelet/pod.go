// The life of one pod: volumes, network, containers, status, end.
//
// One goroutine lives it. Others only put the newest object where it finds it, and wake it.
package kubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	prepareInterval = 100 * time.Millisecond // until what is missing is there
	restInterval    = time.Second            // looks again at a pod with nothing to do
)

type pod struct {
	kubelet         *kubelet
	namespace, name string
	uid             types.UID
	began           time.Time
	wake            chan struct{}
	vanished        chan struct{} // closed when the object is gone
	vanish          func()

	mu         sync.Mutex
	object     *core.Pod
	containers []*container

	// Of the pod's own goroutine.
	sandbox   *sandbox
	published core.PodStatus
	trouble   string
}

func newPod(k *kubelet, object *core.Pod) *pod {
	p := &pod{
		kubelet: k, namespace: object.Namespace, name: object.Name, uid: object.UID,
		began: time.Now(), object: object, published: object.Status,
		wake: make(chan struct{}, 1), vanished: make(chan struct{}),
	}
	p.vanish = sync.OnceFunc(func() { close(p.vanished) })
	return p
}

func (p *pod) update(object *core.Pod) {
	p.mu.Lock()
	p.object = object
	p.mu.Unlock()
	p.rouse()
}

func (p *pod) rouse() {
	select {
	case p.wake <- struct{}{}:
	default: // is awake
	}
}

func (p *pod) current() *core.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.object
}

// output is what the container printed, or nil.
func (p *pod) output(name string) *output {
	for _, container := range p.running() {
		if container.spec.Name == name {
			return container.output
		}
	}
	return nil
}

func (p *pod) running() []*container {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.containers
}

// live is the whole life. When it returns, nothing of the pod runs any more.
func (p *pod) live(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, p.vanish)
	var processes sync.WaitGroup
	defer p.clear()
	defer processes.Wait()
	defer cancel() // kills what is left
	for {
		object := p.current()
		if object.DeletionTimestamp != nil {
			p.end(ctx, object, &processes)
			return
		}
		if p.sandbox == nil {
			p.trouble = ""
			if err := p.start(ctx, object, &processes); err != nil {
				p.trouble = err.Error()
			}
		}
		pause := p.probe(ctx)
		if err := p.publish(ctx, object); err != nil && ctx.Err() == nil {
			log.Printf("%s/%s: publish the status: %v", p.namespace, p.name, err)
			pause = prepareInterval
		}
		select {
		case <-p.vanished:
			return
		case <-p.wake:
		case <-time.After(pause):
		}
	}
}

// start makes everything and lets the containers run, or leaves nothing behind.
func (p *pod) start(ctx context.Context, object *core.Pod, processes *sync.WaitGroup) error {
	if len(object.Spec.InitContainers) > 0 || object.Spec.HostNetwork {
		return errors.New("the test cluster's kubelet has neither init containers nor the host's network")
	}
	dir := p.kubelet.podDir(p)
	from := namespaceSources{ctx: ctx, client: p.kubelet.client, namespace: p.namespace}
	if err := writeVolumes(object.Spec.Volumes, filepath.Join(dir, "volumes"), from); err != nil {
		return err
	}
	sandbox, err := p.kubelet.network.sandbox(ctx)
	if err != nil {
		return err
	}
	object = object.DeepCopy()
	object.Status.PodIP, object.Status.HostIP = sandbox.address.String(), p.kubelet.hostIP().String()
	var containers []*container
	for i := range object.Spec.Containers {
		made, err := p.container(object, &object.Spec.Containers[i], sandbox, dir, from)
		if err != nil {
			sandbox.remove()
			return fmt.Errorf("container %s: %w", object.Spec.Containers[i].Name, err)
		}
		containers = append(containers, made)
	}
	p.sandbox = sandbox
	p.mu.Lock()
	p.containers = containers
	p.mu.Unlock()
	for _, container := range containers {
		processes.Go(func() { container.run(ctx) })
	}
	return nil
}

func (p *pod) container(object *core.Pod, spec *core.Container, in *sandbox, dir string, from sources) (*container, error) {
	program, err := p.kubelet.options.Images.program(spec.Image)
	if err != nil {
		return nil, err
	}
	mounts := mountPaths(spec, filepath.Join(dir, "volumes"))
	values, err := environment(spec, object, from, mounts)
	if err != nil {
		return nil, err
	}
	output, err := newOutput(filepath.Join(dir, spec.Name+".log"))
	if err != nil {
		return nil, err
	}
	return &container{
		spec: spec, policy: object.Spec.RestartPolicy, output: output, dir: dir, changed: p.rouse,
		words:   append(append(in.enter(), program), words(spec, values, mounts)...),
		env:     assignments(values, dir),
		waiting: "ContainerCreating",
	}, nil
}

// probe asks each container whether it is ready, and says when to ask again.
func (p *pod) probe(ctx context.Context) time.Duration {
	if p.sandbox == nil {
		return prepareInterval
	}
	pause := restInterval
	for _, container := range p.running() {
		started := container.startedAt()
		if started.IsZero() {
			continue // its start and its end wake us
		}
		ready := isReady(ctx, container.spec, p.sandbox, started)
		container.setReady(ready)
		if !ready {
			pause = probeInterval
		}
	}
	return pause
}

// publish writes the status if it is new.
func (p *pod) publish(ctx context.Context, object *core.Pod) error {
	now := picture{pod: object, host: p.kubelet.hostIP(), began: p.began, trouble: p.trouble}
	if p.sandbox != nil {
		now.address = p.sandbox.address
	}
	for _, container := range p.running() {
		now.containers = append(now.containers, container.status())
	}
	status := podStatus(now, &p.published, time.Now())
	if equality.Semantic.DeepEqual(status, p.published) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": p.uid}, // never that of another pod with this name
		"status":   status,
	})
	if err != nil {
		return err
	}
	_, err = p.kubelet.client.CoreV1().Pods(p.namespace).
		Patch(ctx, p.name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // it is gone, and we will hear of it
	}
	if err == nil {
		p.published = status
	}
	return err
}

// end asks the processes to end, waits for as long as the pod grants, and lets the object go.
func (p *pod) end(ctx context.Context, object *core.Pod, processes *sync.WaitGroup) {
	for _, container := range p.running() {
		container.signal(syscall.SIGTERM)
	}
	ended := make(chan struct{})
	go func() {
		processes.Wait()
		close(ended)
	}()
	grace := time.Duration(0)
	if seconds := object.DeletionGracePeriodSeconds; seconds != nil {
		grace = time.Duration(*seconds) * time.Second
	}
	select {
	case <-ended:
	case <-p.vanished:
	case <-time.After(grace):
	}
	for _, container := range p.running() {
		container.signal(syscall.SIGKILL)
	}
	<-ended
	now := int64(0)
	options := meta.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &meta.Preconditions{UID: &p.uid}}
	for ctx.Err() == nil {
		err := p.kubelet.client.CoreV1().Pods(p.namespace).Delete(ctx, p.name, options)
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return
		}
		log.Printf("%s/%s: say that it is gone: %v", p.namespace, p.name, err)
		select {
		case <-p.vanished:
			return
		case <-time.After(prepareInterval):
		}
	}
}

// clear removes the network and the volumes. The logs stay, for whoever wants to know what happened.
func (p *pod) clear() {
	if p.sandbox != nil {
		p.sandbox.remove()
	}
	_ = os.RemoveAll(filepath.Join(p.kubelet.podDir(p), "volumes")) // a left-over harms nobody
}
