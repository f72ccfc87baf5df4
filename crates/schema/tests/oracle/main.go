// Says what Kubernetes' own packages say of documents and of custom resources.
//
// Reads a list of cases from standard input and prints them with what was found. The tests of the crate hold the
// answers as data; this program is only needed to record them anew, or to add cases (without answers) to a file:
//
//	go mod tidy && go run . < ../data/yaml.json > new.json && mv new.json ../data/yaml.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	structurallisttype "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	schemaobjectmeta "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	structuralpruning "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	apiservervalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

type testCase struct {
	// What it is about.
	Name string `json:"name,omitempty"`
	// json, yaml, resource, status, prune, default, nulls, coerce, metadata, format, pattern or time.
	Op     string          `json:"op"`
	Schema json.RawMessage `json:"schema,omitempty"`
	Text   string          `json:"text,omitempty"`
	Format string          `json:"format,omitempty"`
	Value  json.RawMessage `json:"value,omitempty"`
	Old    json.RawMessage `json:"old,omitempty"`
	Drop   bool            `json:"drop,omitempty"`
	// What was found.
	Result   interface{} `json:"result,omitempty"`
	Null     bool        `json:"null,omitempty"`
	Errors   []string    `json:"errors,omitempty"`
	Unknown  []string    `json:"unknown,omitempty"`
	Error    string      `json:"error,omitempty"`
	Accepted bool        `json:"accepted,omitempty"`
	// The errors came in the same order every time, though Go walks maps in random order.
	Ordered bool `json:"ordered,omitempty"`
}

const runs = 20

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	for i := range cases {
		cases[i].Ordered = false
		run(&cases[i])
		cases[i].Ordered = cases[i].Op == "resource" && len(cases[i].Errors) > 0 && isOrdered(cases[i])
	}
	fmt.Println("[")
	for i := range cases {
		line, err := marshal(cases[i])
		if err != nil {
			panic(err)
		}
		comma := ","
		if i == len(cases)-1 {
			comma = ""
		}
		fmt.Printf("%s%s\n", line, comma)
	}
	fmt.Println("]")
}

func isOrdered(c testCase) bool {
	for range runs {
		again := c
		run(&again)
		if !slices.Equal(again.Errors, c.Errors) {
			return false
		}
	}
	return true
}

func marshal(c testCase) (string, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(c)
	return strings.TrimSpace(b.String()), err
}

func run(c *testCase) {
	c.Result, c.Null, c.Errors, c.Unknown, c.Error, c.Accepted = nil, false, nil, nil, "", false
	switch c.Op {
	case "json":
		readJSON(c, []byte(c.Text))
	case "yaml":
		data, err := yaml.YAMLToJSON([]byte(c.Text))
		if err != nil {
			c.Error = err.Error()
			return
		}
		if _, err := yaml.YAMLToJSONStrict([]byte(c.Text)); err != nil {
			c.Unknown = []string{err.Error()}
		}
		readJSON(c, data)
	case "format":
		c.Accepted = strfmt.Default.Validates(c.Format, c.Text)
	case "pattern":
		re, err := regexp.Compile(c.Format)
		if err != nil {
			c.Error = err.Error()
			return
		}
		c.Accepted = re.MatchString(c.Text)
	case "time":
		t, err := time.Parse(time.RFC3339, c.Text)
		if err != nil {
			c.Error = err.Error()
			return
		}
		c.Result = t.UTC().Format(time.RFC3339)
	default:
		resource(c)
	}
}

func readJSON(c *testCase, data []byte) {
	var v interface{}
	strict, err := kjson.UnmarshalStrict(data, &v)
	if err != nil {
		c.Error = err.Error()
		return
	}
	for _, err := range strict {
		c.Unknown = append(c.Unknown, err.Error())
	}
	c.Result = typed(v)
	c.Null = v == nil
}

// Floats are marked, as JSON doesn't tell 1.0 from 1.
func typed(v interface{}) interface{} {
	switch v := v.(type) {
	case map[string]interface{}:
		for k, x := range v {
			v[k] = typed(x)
		}
		return v
	case []interface{}:
		for i, x := range v {
			v[i] = typed(x)
		}
		return v
	case float64:
		return fmt.Sprintf("float64 %v", v)
	}
	return v
}

func decode(raw json.RawMessage) interface{} {
	if len(raw) == 0 {
		return nil
	}
	var v interface{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &v); err != nil {
		panic(err)
	}
	return v
}

func resource(c *testCase) {
	var v1 apiextensionsv1.JSONSchemaProps
	if len(c.Schema) > 0 {
		if err := json.Unmarshal(c.Schema, &v1); err != nil {
			panic(fmt.Sprintf("%s: %v", c.Name, err))
		}
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &internal, nil); err != nil {
		panic(err)
	}
	s, err := structuralschema.NewStructural(&internal)
	if err != nil {
		panic(err)
	}
	value := decode(c.Value)
	object, _ := value.(map[string]interface{})
	switch c.Op {
	case "prune":
		c.Unknown = structuralpruning.PruneWithOptions(value, s, !c.Drop, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
		c.Result = value
	case "default":
		structuraldefaulting.Default(value, s)
		c.Result = value
	case "nulls":
		structuraldefaulting.PruneNonNullableNullsWithoutDefaults(value, s)
		c.Result = value
	case "coerce":
		err, unknown := schemaobjectmeta.CoerceWithOptions(nil, value, s, false, schemaobjectmeta.CoerceOptions{DropInvalidFields: c.Drop, ReturnUnknownFieldPaths: true})
		c.Unknown = unknown
		if err != nil {
			c.Error = err.Error()
		} else {
			c.Result = value
		}
	case "metadata":
		meta, found, unknown, err := schemaobjectmeta.GetObjectMetaWithOptions(object, schemaobjectmeta.ObjectMetaOptions{DropMalformedFields: c.Drop, ReturnUnknownFieldPaths: true})
		c.Unknown = unknown
		if c.Drop {
			sort.Strings(c.Unknown)
		}
		if err != nil {
			c.Error = err.Error()
			return
		}
		if found {
			if err := schemaobjectmeta.SetObjectMeta(object, meta); err != nil {
				panic(err)
			}
		}
		c.Result = value
	case "resource":
		c.Errors = validate(c, &internal, s, value)
	default:
		panic("unknown op " + c.Op)
	}
}

func validate(c *testCase, internal *apiextensions.JSONSchemaProps, s *structuralschema.Structural, value interface{}) (texts []string) {
	object, _ := value.(map[string]interface{})
	old := decode(c.Old)
	oldObject, _ := old.(map[string]interface{})
	validator, _, err := apiservervalidation.NewSchemaValidator(internal)
	if err != nil {
		panic(err)
	}
	var errs field.ErrorList
	if c.Old == nil {
		errs = apiservervalidation.ValidateCustomResource(nil, value, validator)
	} else {
		correlated := common.NewCorrelatedObject(value, old, &model.Structural{Structural: s})
		errs = apiservervalidation.ValidateCustomResourceUpdate(nil, value, old, validator, apiservervalidation.WithRatcheting(correlated))
	}
	errs = append(errs, schemaobjectmeta.Validate(context.Background(), nil, value, s, false)...)
	if c.Old == nil || len(structurallisttype.ValidateListSetsAndMaps(nil, s, oldObject)) == 0 {
		errs = append(errs, structurallisttype.ValidateListSetsAndMaps(nil, s, object)...)
	}
	for _, err := range errs {
		texts = append(texts, string(err.Type)+" "+err.Error())
	}
	return texts
}
