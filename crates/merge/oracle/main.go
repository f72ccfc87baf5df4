// Kubernetes' own libraries, asked one question a line: what a patch makes of an object, what an apply makes of
// managedFields, how a FieldsV1 reads. It knows no expectations: the tests of the crate compare.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"
)

// question is one line of the input.
type question struct {
	Op     string          `json:"op"`
	Object json.RawMessage `json:"object"`
	Patch  string          `json:"patch"`
	Strict bool            `json:"strict"`
	Kind   []string        `json:"kind"`
	Fields string          `json:"fields"`
	Owners *owners         `json:"owners"`
}

// answer is one line of the output.
type answer struct {
	Value   any      `json:"value,omitempty"`
	Strict  []string `json:"strict,omitempty"`
	Code    int32    `json:"code,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Message string   `json:"message,omitempty"`
	Causes  [][]any  `json:"causes,omitempty"`
	Paths   []string `json:"paths,omitempty"`
	Steps   []answer `json:"steps,omitempty"`
}

const operationsMax = 10000

func main() {
	jsonpatch.AccumulatedCopySizeLimit = 3 * 1024 * 1024
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		text, err := json.Marshal(ask(q))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		out.Write(text)
		out.WriteByte('\n')
		out.Flush()
	}
}

func ask(q question) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{Code: -1, Message: fmt.Sprint(r)}
		}
	}()
	switch q.Op {
	case "json", "merge", "strategic":
		if !json.Valid([]byte(q.Patch)) {
			return refuse(errors.NewBadRequest("invalid JSON patch"))
		}
	}
	switch q.Op {
	case "json":
		return jsonPatch(q)
	case "merge":
		return mergePatch(q)
	case "strategic":
		return strategic(q)
	case "fields":
		return fields(q.Fields)
	case "owners":
		return q.Owners.run()
	}
	return answer{Code: -1, Message: "unknown op"}
}

// refuse words an error as a Status does.
func refuse(err error) answer {
	status, ok := err.(errors.APIStatus)
	if !ok {
		return answer{Code: 500, Message: err.Error()}
	}
	s := status.Status()
	a := answer{Code: s.Code, Reason: string(s.Reason), Message: s.Message}
	if s.Details != nil {
		for _, c := range s.Details.Causes {
			a.Causes = append(a.Causes, []any{c.Type, c.Message, c.Field})
		}
	}
	return a
}

// unprocessable is a 422: its text is not in the Status, but the crate has it too.
func unprocessable(err error) answer {
	return answer{Code: http.StatusUnprocessableEntity, Reason: "Invalid", Message: err.Error()}
}

func texts(errs []error, prefix string) []string {
	var out []string
	for _, err := range errs {
		out = append(out, prefix+err.Error())
	}
	return out
}

type jsonPatchOp struct {
	Op    string      `json:"op"`
	Path  string      `json:"path"`
	From  string      `json:"from"`
	Value interface{} `json:"value"`
}

func parsed(text []byte) any {
	var v any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &v); err != nil {
		panic(err)
	}
	return v
}

// compact is how a codec writes the live object.
func compact(object json.RawMessage) []byte {
	text, err := json.Marshal(parsed(object))
	if err != nil {
		panic(err)
	}
	return text
}

func jsonPatch(q question) answer {
	var strict []error
	if q.Strict {
		var v []jsonPatchOp
		var err error
		if strict, err = kjson.UnmarshalStrict([]byte(q.Patch), &v); err != nil {
			text := strings.ReplaceAll(err.Error(), "main.", "handlers.")
			return refuse(errors.NewBadRequest("error decoding patch: " + text))
		}
	}
	patch, err := jsonpatch.DecodePatch([]byte(q.Patch))
	if err != nil {
		return refuse(errors.NewBadRequest(err.Error()))
	}
	if len(patch) > operationsMax {
		return refuse(errors.NewRequestEntityTooLargeError(fmt.Sprintf(
			"The allowed maximum operations in a JSON patch is %d, got %d", operationsMax, len(patch))))
	}
	patched, err := patch.Apply(compact(q.Object))
	if err != nil {
		return unprocessable(err)
	}
	return answer{Value: parsed(patched), Strict: texts(strict, "json patch ")}
}

func mergePatch(q question) answer {
	var strict []error
	if q.Strict {
		v := map[string]any{}
		var err error
		if strict, err = kjson.UnmarshalStrict([]byte(q.Patch), &v); err != nil {
			return refuse(errors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err)))
		}
	}
	patched, err := jsonpatch.MergePatch(compact(q.Object), []byte(q.Patch))
	if err == jsonpatch.ErrBadJSONPatch {
		return refuse(errors.NewBadRequest(err.Error()))
	} else if err != nil {
		return refuse(err)
	}
	return answer{Value: parsed(patched), Strict: texts(strict, "")}
}

func strategic(q question) answer {
	original, ok := parsed(q.Object).(map[string]any)
	if !ok {
		panic("the object is no object")
	}
	patch := map[string]any{}
	var strict []error
	var err error
	if q.Strict {
		strict, err = kjson.UnmarshalStrict([]byte(q.Patch), &patch)
	} else {
		err = kjson.UnmarshalCaseSensitivePreserveInts([]byte(q.Patch), &patch)
	}
	if err != nil {
		return refuse(errors.NewBadRequest(err.Error()))
	}
	var reference any = &mergeItem{}
	if q.Kind[0] != "" {
		gv, err := schema.ParseGroupVersion(q.Kind[0])
		if err != nil {
			panic(err)
		}
		if reference, err = scheme.Scheme.New(gv.WithKind(q.Kind[1])); err != nil {
			panic(err)
		}
	}
	patched, err := strategicpatch.StrategicMergeMapPatch(original, patch, reference)
	switch err {
	case nil:
		return answer{Value: patched, Strict: texts(strict, "")}
	case mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat:
		return refuse(errors.NewBadRequest(err.Error()))
	case mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys:
		return unprocessable(err)
	}
	return refuse(err)
}

// mergeItem has one field of every sort that a strategic merge patch knows.
type mergeItem struct {
	Name                string            `json:"name,omitempty"`
	Value               string            `json:"value,omitempty"`
	Other               string            `json:"other,omitempty"`
	Number              int64             `json:"number,omitempty"`
	MergingList         []mergeItem       `json:"mergingList,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
	NonMergingList      []mergeItem       `json:"nonMergingList,omitempty"`
	MergingIntList      []int             `json:"mergingIntList,omitempty" patchStrategy:"merge"`
	NonMergingIntList   []int             `json:"nonMergingIntList,omitempty"`
	MergeItemPtr        *mergeItem        `json:"mergeItemPtr,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
	SimpleMap           map[string]string `json:"simpleMap,omitempty"`
	ReplacingItem       *mergeItem        `json:"replacingItem,omitempty" patchStrategy:"replace"`
	RetainKeysMap       *mergeItem        `json:"retainKeysMap,omitempty" patchStrategy:"retainKeys"`
	RetainKeysList      []mergeItem       `json:"retainKeysList,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"name"`
	MergingMapOfLists   map[string][]int  `json:"mergingMapOfLists,omitempty"`
	MergingListNoKey    []mergeItem       `json:"mergingListNoKey,omitempty" patchStrategy:"merge"`
	MergingListByNumber []mergeItem       `json:"mergingListByNumber,omitempty" patchStrategy:"merge" patchMergeKey:"number"`
}
