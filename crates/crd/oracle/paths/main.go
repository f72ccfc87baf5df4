// Prints the paths of ../tests/data/paths.json with what client-go finds by them in one object.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"reflect"
	"strings"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/jsonpath"
)

const object = `{"a":{"b":{"a":1,"list":[1,2]}},"b":"bee","list":[{"k":"x","n":1,"f":1.5,"ok":true},{"k":"y","n":2,"f":2.0,"ok":false,"list":[1]},{"k":"z","n":3,"sub":{"k":"s"}},{"n":null}],"list2":["p","q","r"],"text":"text","nul":null,"num":7,"x":{"y":[true,false,null,[1,[2]]]},"a.b":"dotted","é":"accent","f":0.1}`

var starts = []string{".a", ".list", ".list2", ".x.y", ".list[*]", ".list[0]", "..list", ".text", ".a.b.list"}

// The first are well-formed.
var parts = []string{".a", ".b", ".list", ".list2", ".text", ".none", ".nul", ".num", ".x.y", "[0]", "[1]", "[-1]", "[-9]", "[0:2]", "[1:]", "[:1]", "[::2]", "[5:6]", "[*]", "[0,1]", "[1,-1]", "['a']", "['list']", "['a','b']", "[\"a\"]", ".*", "..", "..k", "..list", "[?(@.k==\"x\")]", "[?(@.k=='y')]", "[?(@.n>1)]", "[?(@.n>=2)]", "[?(@.n<2)]", "[?(@.n!=1)]", "[?(@.f==1.5)]", "[?(@.f>1)]", "[?(@.k)]", "[?(@.missing)]", "[?(@.ok==true)]", "[?(@.ok==false)]", "[?(@==\"p\")]", "[?(@.k=x)]", "[?(@.k==)]", "[?(==1)]", "[?(@.k in y)]", "[?(@.k==\"a)b\")]", "[?(@.k==\"x\"&&@.n==1)]", "[?(1>0)]", "[?(@.sub.k==\"s\")]", "[?(@.list[0]==1)]", "[?(@.k>\"a\")]", "[?(@.n==\"1\")]", " ", "$", "@", "\\.", "\\a", ".a\\.b", "[]", "[0", "0]", "}", "{", "}{.a", "\"q\"", "'q'", "\"q", "'a\\'b'", "\"\\x41\"", "-1", "+2", "1.5", "1.2.3", "true", "false", "range", "end", "word", "!", "#", "é", ".é", ",", "[1:2:0]", "[0:9]", "[3:1]", "[::-1]", "[x]", "[ 0 ]", "[0 ,1]", "[0,]", "...", "....", "[?(@.k==\"\\\"\")]", "[?(@.k)", "[?(", "[?()]", "[?(@)]", "[?(@.list)]", "[:]", "[::]", "[-2:-1]", "[1:1]", "[0:0]", "[99999999999999999999]", "[--1]", "\n", "\t"}

const wellFormed = 53

// What a column of texts shows: "=text", or why there is none.
func find(path string, tree any) string {
	template := jsonpath.New("column")
	if err := template.Parse("{" + path + "}"); err != nil {
		return "!parse"
	}
	template.AllowMissingKeys(true)
	found, err := template.FindResults(tree)
	if err != nil || len(found) == 0 || len(found[0]) == 0 {
		return "!none"
	}
	var text bytes.Buffer
	if err := template.PrintResults(&text, []reflect.Value{reflect.ValueOf(found[0][0].Interface())}); err != nil {
		return "!print"
	}
	return "=" + text.String()
}

func main() {
	var tree any
	if err := kjson.Unmarshal([]byte(object), &tree); err != nil {
		panic(err)
	}
	var lines []string
	seen := map[string]bool{}
	add := func(path string) {
		if seen[path] || strings.Contains(path, "range") || strings.Contains(path, "end") {
			return
		}
		seen[path] = true
		result := find(path, tree)
		// Maps have no order: what changes from time to time is left out.
		for range 25 {
			if find(path, tree) != result {
				return
			}
		}
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode([2]string{path, result}); err != nil {
			panic(err)
		}
		lines = append(lines, strings.TrimSpace(line.String()))
	}
	for _, part := range parts {
		add(part)
		add(".list" + part)
		add(".list2" + part)
	}
	random := rand.New(rand.NewSource(5))
	for len(lines) < 3000 {
		var path strings.Builder
		if random.Intn(10) > 0 {
			path.WriteString(starts[random.Intn(len(starts))])
		}
		for range 1 + random.Intn(3) {
			among := len(parts)
			if random.Intn(3) > 0 {
				among = wellFormed
			}
			path.WriteString(parts[random.Intn(among)])
		}
		add(path.String())
	}
	fmt.Printf("{\"object\":%s,\n\"paths\":[\n%s\n]}\n", object, strings.Join(lines, ",\n"))
}
