package config

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds a configuration file.
const maxFile = 1 << 20

// document is one file as it was read, with the places of its keys and values.
type document struct {
	file  string
	order int // among the files
	data  []byte
	tree  map[string]any
	spans map[string]span // by path: table names, keys and indexes joined by dots
}

// span is where a key and its value are written.
type span struct{ key, value region }

// region is a piece of a file, in bytes. The zero region is nowhere.
type region struct{ offset, length int }

// parse reads the TOML of a file. What it returns can be asked for places even if
// there was a mistake; then tree is nil.
func parse(file string, order int, data []byte) (*document, error) {
	// An editor's byte order mark is no part of the text.
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	doc := &document{file: file, order: order, data: data, spans: map[string]span{}}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return doc, err
	}
	doc.tree = tree
	doc.locate()
	return doc, nil
}

// syntax returns what is wrong with the TOML, and where.
func (doc *document) syntax(err error) Problem {
	p := Problem{File: doc.file, Message: strings.TrimPrefix(err.Error(), "toml: ")}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		row, column := at.Position()
		offset := 0
		for range row - 1 {
			offset += bytes.IndexByte(doc.data[offset:], '\n') + 1
		}
		p.Row, p.Column, p.Excerpt = excerpt(doc.data, offset+column-1, 1)
	}
	p.Message = "not valid TOML: " + mask(p.Message)
	if strings.Contains(p.Message, "already") {
		p.Message += ": join the two"
	}
	return p
}

// locate notes where every key and value of a valid document is.
func (doc *document) locate() {
	var p unstable.Parser
	p.Reset(doc.data)
	tables := map[string]int{} // arrays of tables, and how many of each there are so far
	prefix := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			path, at := "", region{}
			for it := e.Key(); it.Next(); {
				path = join(path, string(it.Node().Data))
				at = regionOf(it.Node().Raw)
				if it.IsLast() && e.Kind == unstable.ArrayTable {
					tables[path]++
				}
				if _, known := doc.spans[path]; !known {
					doc.spans[path] = span{key: at}
				}
				if n := tables[path]; n > 0 {
					path = join(path, strconv.Itoa(n-1))
				}
			}
			prefix = path
			doc.spans[path] = span{key: at}
		case unstable.KeyValue:
			doc.keyValue(prefix, e)
		}
	}
}

func (doc *document) keyValue(path string, e *unstable.Node) {
	var at region
	for it := e.Key(); it.Next(); {
		path = join(path, string(it.Node().Data))
		at = regionOf(it.Node().Raw)
		if _, known := doc.spans[path]; !known {
			doc.spans[path] = span{key: at}
		}
	}
	value := regionOf(e.Value().Raw)
	if e.Value().Kind == unstable.Array {
		// The parser notes no place for an array: it is what follows the equals sign.
		end := int(e.Raw.Offset + e.Raw.Length)
		if i := bytes.IndexByte(doc.data[at.offset+at.length:end], '['); i >= 0 {
			value.offset = at.offset + at.length + i
			value.length = end - value.offset
		}
	}
	doc.spans[path] = span{key: at, value: value}
	doc.value(path, e.Value())
}

func (doc *document) value(path string, v *unstable.Node) {
	switch v.Kind {
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); i++ {
			element := join(path, strconv.Itoa(i))
			doc.spans[element] = span{value: regionOf(it.Node().Raw)}
			doc.value(element, it.Node())
		}
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			doc.keyValue(path, it.Node())
		}
	}
}

func regionOf(r unstable.Range) region { return region{int(r.Offset), int(r.Length)} }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// typeName says in the words of TOML what a value is.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case bool:
		return "a boolean"
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}
