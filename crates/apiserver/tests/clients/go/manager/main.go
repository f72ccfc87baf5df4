// Command manager runs a manager of controller-runtime against an API server, as an operator would be run, and fails if
// something is not as its controllers make it.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	namespace = "default"
	lease     = "manager"
	finalizer = "harbor.example.org/manager"
	patience  = 60 * time.Second
)

// check ends the program if something failed.
func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func expect(what string, found, expected any) {
	if found != expected {
		check(what, fmt.Errorf("found %v instead of %v", found, expected))
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

// notes are what controllers were asked for.
type notes struct {
	mutex sync.Mutex
	taken map[string]bool
}

func (n *notes) take(note string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.taken[note] = true
}

func (n *notes) expect(note string) {
	eventually(note, func() error {
		n.mutex.Lock()
		defer n.mutex.Unlock()
		if !n.taken[note] {
			return fmt.Errorf("only %v", n.taken)
		}
		return nil
	})
}

type run struct {
	ctx     context.Context
	manager ctrl.Manager
	// client reads from the manager's cache, direct from the server.
	client, direct client.Client
	notes          notes
}

func key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: namespace, Name: name}
}

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// reconcile gives each boat a finalizer, a Secret, a status and an event, and lets those go that are to be deleted.
func (r *run) reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	boat, none := &Boat{}, reconcile.Result{}
	if err := r.client.Get(ctx, request.NamespacedName, boat); err != nil {
		return none, client.IgnoreNotFound(err)
	}
	if !boat.DeletionTimestamp.IsZero() {
		controllerutil.RemoveFinalizer(boat, finalizer)
		return none, client.IgnoreNotFound(r.client.Update(ctx, boat))
	}
	if controllerutil.AddFinalizer(boat, finalizer) {
		if err := r.client.Update(ctx, boat); err != nil {
			return none, err
		}
	}
	secret := &corev1.Secret{ObjectMeta: named(boat.Name)}
	if _, err := controllerutil.CreateOrPatch(ctx, r.client, secret, func() error {
		secret.Data = map[string][]byte{"captain": []byte(boat.Spec.Captain)}
		return controllerutil.SetControllerReference(boat, secret, r.manager.GetScheme())
	}); err != nil {
		return none, err
	}
	before := boat.DeepCopyObject().(*Boat)
	boat.Status = boatStatus{Replicas: boat.Spec.Replicas, Selector: "boat=" + boat.Name}
	r.manager.GetEventRecorder("manager").Eventf(boat, secret, "Normal", "Sails", "Sail", "with %s", boat.Spec.Captain)
	return none, r.client.Status().Patch(ctx, boat, client.MergeFrom(before))
}

// controllers adds a controller of boats that also watches what is theirs, and one that knows only metadata.
func (r *run) controllers() {
	boats := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []reconcile.Request {
		r.notes.take("config " + object.GetName())
		return nil
	})
	check("a controller", ctrl.NewControllerManagedBy(r.manager).For(&Boat{}).Owns(&corev1.Secret{}).
		Watches(&corev1.ConfigMap{}, boats).Complete(reconcile.Func(r.reconcile)))
	partial := func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		service := &metav1.PartialObjectMetadata{}
		service.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Service"))
		err := r.client.Get(ctx, request.NamespacedName, service)
		r.notes.take("service " + service.Name + " " + service.Labels["turn"])
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	check("a controller", ctrl.NewControllerManagedBy(r.manager).For(&corev1.Service{}, builder.OnlyMetadata).
		Complete(reconcile.Func(partial)))
	indexed := func(object client.Object) []string { return []string{string(object.(*corev1.Secret).Type)} }
	check("an index", r.manager.GetFieldIndexer().IndexField(r.ctx, &corev1.Secret{}, "type", indexed))
}

// boat is one's life, but for its end.
func (r *run) boat() *Boat {
	boat := &Boat{ObjectMeta: named("ada"), Spec: boatSpec{Captain: "Ada", Replicas: 3}}
	check("a boat", r.client.Create(r.ctx, boat))
	replicas := func(expected int32) {
		eventually("a status", func() error {
			found := &Boat{}
			err := r.client.Get(r.ctx, key("ada"), found)
			if err == nil && found.Status.Replicas != expected {
				return fmt.Errorf("%+v", found.Status)
			}
			return err
		})
	}
	replicas(3)
	scale := &autoscalingv1.Scale{}
	check("its scale", r.client.SubResource("scale").Get(r.ctx, boat, scale))
	expect("its selector", scale.Status.Selector, "boat=ada")
	scale.Spec.Replicas = 5
	check("its scale", r.client.SubResource("scale").Update(r.ctx, boat, client.WithSubResourceBody(scale)))
	replicas(5)
	for captain, expected := range map[string]int{"Ada": 1, "Bob": 0} {
		boats := &BoatList{}
		check("boats", r.direct.List(r.ctx, boats, client.InNamespace(namespace), client.MatchingFields{"spec.captain": captain}))
		expect("boats of "+captain, len(boats.Items), expected)
	}
	eventually("a Secret in the index", func() error {
		secrets := &corev1.SecretList{}
		err := r.client.List(r.ctx, secrets, client.InNamespace(namespace), client.MatchingFields{"type": "Opaque"})
		if err == nil && (len(secrets.Items) != 1 || string(secrets.Items[0].Data["captain"]) != "Ada") {
			return fmt.Errorf("%v", secrets.Items)
		}
		return err
	})
	eventually("an event", func() error {
		events := &eventsv1.EventList{}
		err := r.direct.List(r.ctx, events, client.InNamespace(namespace))
		for _, event := range events.Items {
			if event.Reason == "Sails" && event.Regarding.Name == "ada" && event.Related.Kind == "Secret" {
				return err
			}
		}
		return fmt.Errorf("%v, %v", err, events.Items)
	})
	return boat
}

// others are the objects of others, written in all ways that a client has.
func (r *run) others() {
	wanted := corev1apply.ConfigMap("chart", namespace).WithData(map[string]string{"depth": "7"})
	check("apply", r.client.Apply(r.ctx, wanted, client.FieldOwner("manager"), client.ForceOwnership))
	r.notes.expect("config chart")
	service := &corev1.Service{ObjectMeta: named("pier")}
	service.Labels = map[string]string{"turn": "1"}
	service.Spec.Ports = []corev1.ServicePort{{Name: "a", Port: 80}}
	check("a service", r.client.Create(r.ctx, service))
	r.notes.expect("service pier 1")
	before := service.DeepCopy()
	service.Labels["turn"] = "2"
	service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: "b", Port: 81})
	locked := client.MergeFromWithOptimisticLock{}
	check("a patch", r.client.Patch(r.ctx, service, client.StrategicMergeFrom(before, locked)))
	expect("its ports", len(service.Spec.Ports), 2)
	r.notes.expect("service pier 2")
	stale := before.DeepCopy()
	stale.Labels["turn"] = "3"
	err := r.client.Patch(r.ctx, stale, client.MergeFromWithOptions(before, locked))
	expect("a stale patch", apierrors.ReasonForError(err), metav1.StatusReasonConflict)
	strict := client.WithFieldValidation(r.direct, metav1.FieldValidationStrict)
	check("a strict dry run", client.NewDryRunClient(strict).Create(r.ctx, &corev1.Secret{ObjectMeta: named("dry")}))
	err = r.direct.Get(r.ctx, key("dry"), &corev1.Secret{})
	expect("what a dry run made", apierrors.ReasonForError(err), metav1.StatusReasonNotFound)
	check("the end of all", r.client.DeleteAllOf(r.ctx, &corev1.Service{}, client.InNamespace(namespace), client.MatchingLabels{"turn": "2"}))
	// One without a name: it is not found any more.
	r.notes.expect("service  ")
}

func (r *run) gone(object client.Object) {
	eventually(fmt.Sprintf("the end of %T %s", object, object.GetName()), func() error {
		err := r.direct.Get(r.ctx, client.ObjectKeyFromObject(object), object)
		if err == nil {
			return fmt.Errorf("it is there")
		}
		return client.IgnoreNotFound(err)
	})
}

func main() {
	ctrl.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	check("kubeconfig", err)
	scheme := runtime.NewScheme()
	check("scheme", clientscheme.AddToScheme(scheme))
	check("scheme", apiextensions.AddToScheme(scheme))
	scheme.AddKnownTypes(harbor, &Boat{}, &BoatList{})
	metav1.AddToGroupVersion(scheme, harbor)
	definitions := envtest.CRDInstallOptions{CRDs: []*apiextensions.CustomResourceDefinition{boatDefinition()}, Scheme: scheme}
	for range 2 {
		_, err = envtest.InstallCRDs(config, definitions)
		check("definitions", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       server.Options{BindAddress: "0"},
		Cache:                         cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		LeaderElection:                true,
		LeaderElectionID:              lease,
		LeaderElectionNamespace:       namespace,
		LeaderElectionReleaseOnCancel: true,
	})
	check("a manager", err)
	direct, err := client.New(config, client.Options{Scheme: scheme})
	check("a client", err)
	r := &run{ctx: ctx, manager: manager, client: manager.GetClient(), direct: direct, notes: notes{taken: map[string]bool{}}}
	r.controllers()
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	boat := r.boat()
	r.others()
	check("delete", r.client.Delete(ctx, boat, client.PropagationPolicy(metav1.DeletePropagationForeground)))
	r.gone(&Boat{ObjectMeta: named("ada")})
	r.gone(&corev1.Secret{ObjectMeta: named("ada")})
	stop()
	// That the lease was lost is told too: it was given back.
	if err := <-ended; err != nil && !strings.Contains(err.Error(), "leader election lost") {
		check("the manager", err)
	}
	r.ctx = context.Background()
	check("definitions", envtest.UninstallCRDs(config, definitions))
	r.gone(boatDefinition())
	fmt.Println("well")
}
