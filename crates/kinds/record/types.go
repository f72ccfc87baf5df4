// The Go types of the kinds, read by reflection.
package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// roots are the types of the kinds, and of what is sent to subresources and beside objects.
var roots = []any{
	corev1.Binding{}, corev1.ConfigMap{}, corev1.Endpoints{}, corev1.Event{}, corev1.LimitRange{}, corev1.Namespace{}, corev1.Node{},
	corev1.PersistentVolumeClaim{}, corev1.PersistentVolume{}, corev1.Pod{}, corev1.ReplicationController{}, corev1.ResourceQuota{},
	corev1.Secret{}, corev1.ServiceAccount{}, corev1.Service{},
	admissionv1.ValidatingAdmissionPolicy{}, admissionv1.ValidatingAdmissionPolicyBinding{},
	apiextensionsv1.CustomResourceDefinition{},
	appsv1.ControllerRevision{}, appsv1.DaemonSet{}, appsv1.Deployment{}, appsv1.ReplicaSet{}, appsv1.StatefulSet{},
	authenticationv1.SelfSubjectReview{}, authenticationv1.TokenReview{}, authenticationv1.TokenRequest{},
	authorizationv1.LocalSubjectAccessReview{}, authorizationv1.SelfSubjectAccessReview{},
	authorizationv1.SelfSubjectRulesReview{}, authorizationv1.SubjectAccessReview{},
	autoscalingv1.HorizontalPodAutoscaler{}, autoscalingv1.Scale{}, autoscalingv2.HorizontalPodAutoscaler{},
	batchv1.CronJob{}, batchv1.Job{}, coordinationv1.Lease{}, discoveryv1.EndpointSlice{}, eventsv1.Event{},
	networkingv1.IngressClass{}, networkingv1.Ingress{}, networkingv1.NetworkPolicy{}, policyv1.PodDisruptionBudget{},
	rbacv1.ClusterRole{}, rbacv1.ClusterRoleBinding{}, rbacv1.Role{}, rbacv1.RoleBinding{},
	schedulingv1.PriorityClass{}, storagev1.StorageClass{}, metav1.DeleteOptions{}, policyv1.Eviction{},
}

// special are the types that read and write JSON in a way of their own.
var special = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():                                  "Time",
	reflect.TypeFor[metav1.MicroTime]():                             "MicroTime",
	reflect.TypeFor[metav1.Duration]():                              "Duration",
	reflect.TypeFor[metav1.FieldsV1]():                              "FieldsV1",
	reflect.TypeFor[resource.Quantity]():                            "Quantity",
	reflect.TypeFor[intstr.IntOrString]():                           "IntOrString",
	reflect.TypeFor[runtime.RawExtension]():                         "Raw",
	reflect.TypeFor[apiextensionsv1.JSON]():                         "JSON",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrBool]():        "PropsOrBool",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrArray]():       "PropsOrArray",
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrStringArray](): "PropsOrStrings",
}

// types writes one line for each type, then one for each of its fields:
//
//	type NAME EXTRAS
//	JSON-NAME FLAGS EXPRESSION EXTRAS
//
// An inlined field has the Go names of the structs it comes from before it: TypeMeta>kind. FLAGS are o (omitempty), z (omitzero) or -. EXPRESSION is *E, []E, {KEY}E, NAME=E (a named type that is no struct),
// @TYPE or a word. EXTRAS are those parts of the published schema that the Go type doesn't tell, as JSON, or nothing.
func types(schemas map[string]any) string {
	text := &strings.Builder{}
	done := map[reflect.Type]bool{}
	var queue []reflect.Type
	for _, root := range roots {
		queue = append(queue, reflect.TypeOf(root))
	}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if done[t] {
			continue
		}
		done[t] = true
		schema, _ := schemas[modelName(t)].(map[string]any)
		fmt.Fprintf(text, "type %s %s%s\n", modelName(t), t.String(), extras(schema, "required", "x-kubernetes-map-type"))
		fields(text, "", t, schema, &queue)
	}
	return text.String()
}

func fields(text *strings.Builder, inline string, t reflect.Type, schema map[string]any, queue *[]reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if field.Anonymous && tag[0] == "" {
			fields(text, inline+field.Name+">", field.Type, schema, queue)
			continue
		}
		if tag[0] == "-" || !field.IsExported() {
			continue
		}
		flag := "-"
		for _, option := range tag[1:] {
			switch option {
			case "omitempty":
				flag = "o"
			case "omitzero":
				flag = "z"
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		property, _ := properties[tag[0]].(map[string]any)
		fmt.Fprintf(text, "%s%s %s %s%s\n", inline, tag[0], flag, expression(field.Type, queue), extras(property, "default",
			"x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
			"x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key"))
	}
}

func expression(t reflect.Type, queue *[]reflect.Type) string {
	if word, ok := special[t]; ok {
		if word[:2] == "Pr" {
			*queue = append(*queue, reflect.TypeFor[apiextensionsv1.JSONSchemaProps]())
		}
		return "!" + word
	}
	named := ""
	if t.Name() != "" && t.PkgPath() != "" && t.Kind() != reflect.Struct {
		named = t.String() + "="
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + expression(t.Elem(), queue)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return named + "bytes"
		}
		return named + "[]" + expression(t.Elem(), queue)
	case reflect.Map:
		return named + "{" + t.Key().String() + "}" + expression(t.Elem(), queue)
	case reflect.Struct:
		*queue = append(*queue, t)
		return "@" + modelName(t)
	default:
		return named + t.Kind().String()
	}
}

// modelName is the name in the published documents: k8s.io/api/core/v1.Pod is io.k8s.api.core.v1.Pod.
func modelName(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	host := strings.Split(path[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(host, path[1:]...), ".") + "." + t.Name()
}

func extras(schema map[string]any, names ...string) string {
	kept := map[string]any{}
	for _, name := range names {
		if value, ok := schema[name]; ok {
			kept[name] = value
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		if value, ok := items["default"]; ok {
			kept["items"] = value
		}
	}
	if values, ok := schema["additionalProperties"].(map[string]any); ok {
		if value, ok := values["default"]; ok {
			kept["values"] = value
		}
	}
	if len(kept) == 0 {
		return ""
	}
	text, err := json.Marshal(kept)
	if err != nil {
		panic(err)
	}
	return " " + string(text)
}
