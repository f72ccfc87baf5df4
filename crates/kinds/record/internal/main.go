// Records the server's own types: those that its messages show. Run in this folder:
//
//	go run . > ../../data/internal.txt
//
// One line for each type, then one for each of its fields:
//
//	type NAME
//	PLACE NAME FLAG EXPRESSION
//
// PLACE is - or the field of the published type that the fields of this one lie in (metadata). FLAG is o (omitempty)
// or -. EXPRESSION is *E, []E, {E}, @TYPE, or a word by which is known what is written where
// nothing is there: string, bool, number, quantity, time (null).
package main

import (
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/policy"
)

var roots = []any{
	core.PodSpec{}, core.PodTemplateSpec{}, core.PersistentVolumeClaim{}, core.PersistentVolumeSource{},
	core.ObjectReference{}, core.ScopeSelector{},
	apps.DeploymentStrategy{}, apps.DaemonSetUpdateStrategy{}, batch.PodFailurePolicy{}, batch.SuccessPolicy{},
	policy.PodDisruptionBudgetSpec{},
}

// own are the types that write themselves.
var own = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():        "time",
	reflect.TypeFor[metav1.FieldsV1]():    "time",
	reflect.TypeFor[resource.Quantity]():  "quantity",
	reflect.TypeFor[intstr.IntOrString](): "number",
}

func main() {
	done := map[reflect.Type]bool{}
	var queue []reflect.Type
	for _, root := range roots {
		queue = append(queue, reflect.TypeOf(root))
	}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if !done[t] {
			done[t] = true
			fmt.Println("type", t)
			fields("-", t, &queue)
		}
	}
}

func fields(place string, t reflect.Type, queue *[]reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		switch {
		case field.Type == reflect.TypeFor[metav1.TypeMeta]() || tag[0] == "-":
		case field.Type == reflect.TypeFor[metav1.ObjectMeta]() && tag[0] == "":
			fields("metadata", field.Type, queue)
		case field.Anonymous && tag[0] == "":
			fields(place, field.Type, queue)
		default:
			name, flag := tag[0], "-"
			if name == "" {
				name = field.Name
			}
			for _, option := range tag[1:] {
				if option == "omitempty" || option == "omitzero" {
					flag = "o"
				}
			}
			fmt.Println(place, name, flag, expression(field.Type, queue))
		}
	}
}

func expression(t reflect.Type, queue *[]reflect.Type) string {
	if word, ok := own[t]; ok {
		return word
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + expression(t.Elem(), queue)
	case reflect.Slice:
		return "[]" + expression(t.Elem(), queue)
	case reflect.Map:
		return "{" + expression(t.Elem(), queue) + "}"
	case reflect.Struct:
		*queue = append(*queue, t)
		return "@" + t.String()
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	default:
		return "number"
	}
}
