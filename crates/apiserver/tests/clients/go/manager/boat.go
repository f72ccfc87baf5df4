// A custom resource of the manager, and its definition, written by hand.

package main

import (
	"encoding/json"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var harbor = schema.GroupVersion{Group: "harbor.example.org", Version: "v1"}

type boatSpec struct {
	Captain  string `json:"captain,omitempty"`
	Replicas int32  `json:"replicas,omitempty"`
}

type boatStatus struct {
	Replicas int32  `json:"replicas"`
	Selector string `json:"selector,omitempty"`
}

// Boat is a custom resource with a status, a scale and a field to select by.
type Boat struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              boatSpec   `json:"spec,omitempty"`
	Status            boatStatus `json:"status,omitempty"`
}

// BoatList is a list of boats.
type BoatList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Boat `json:"items"`
}

// DeepCopyObject goes by way of JSON, for which everybody writes code by a generator.
func (b *Boat) DeepCopyObject() runtime.Object {
	copied := &Boat{}
	through(b, copied)
	return copied
}

// DeepCopyObject goes by way of JSON.
func (l *BoatList) DeepCopyObject() runtime.Object {
	copied := &BoatList{}
	through(l, copied)
	return copied
}

func through(from, to any) {
	text, err := json.Marshal(from)
	check("a boat as text", err)
	check("a boat of text", json.Unmarshal(text, to))
}

func boatDefinition() *apiextensions.CustomResourceDefinition {
	selector := ".status.selector"
	text := apiextensions.JSONSchemaProps{Type: "string"}
	number := apiextensions.JSONSchemaProps{Type: "integer", Format: "int32"}
	object := func(properties map[string]apiextensions.JSONSchemaProps) apiextensions.JSONSchemaProps {
		return apiextensions.JSONSchemaProps{Type: "object", Properties: properties}
	}
	whole := object(map[string]apiextensions.JSONSchemaProps{
		"spec":   object(map[string]apiextensions.JSONSchemaProps{"captain": text, "replicas": number}),
		"status": object(map[string]apiextensions.JSONSchemaProps{"selector": text, "replicas": number}),
	})
	return &apiextensions.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "boats." + harbor.Group},
		Spec: apiextensions.CustomResourceDefinitionSpec{
			Group: harbor.Group,
			Scope: apiextensions.NamespaceScoped,
			Names: apiextensions.CustomResourceDefinitionNames{
				Plural: "boats", Singular: "boat", Kind: "Boat", ListKind: "BoatList",
			},
			Versions: []apiextensions.CustomResourceDefinitionVersion{{
				Name: harbor.Version, Served: true, Storage: true,
				Schema:           &apiextensions.CustomResourceValidation{OpenAPIV3Schema: &whole},
				SelectableFields: []apiextensions.SelectableField{{JSONPath: ".spec.captain"}},
				Subresources: &apiextensions.CustomResourceSubresources{
					Status: &apiextensions.CustomResourceSubresourceStatus{},
					Scale: &apiextensions.CustomResourceSubresourceScale{
						SpecReplicasPath: ".spec.replicas", StatusReplicasPath: ".status.replicas", LabelSelectorPath: &selector,
					},
				},
			}},
		},
	}
}
