package config

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema returns the JSON Schema (draft 2020-12) of the file, for editors.
// What one key means for another, and what is on the disk, only [Load] checks.
func Schema() []byte {
	schema := tableSchema(reflect.TypeFor[Config]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "kith.toml"
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic("config: schema: " + err.Error())
	}
	return append(text, '\n')
}

type object = map[string]any

func tableSchema(t reflect.Type) object {
	properties := object{}
	for _, k := range keysOf(t) {
		properties[k.name] = k.schema()
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties}
}

func (k key) schema() object {
	s := k.typeSchema()
	s["description"] = k.help
	if k.def != "" {
		v := reflect.New(k.typ).Elem()
		if err := parseText(v, k.def); err != nil {
			panic("config: default of " + k.name + ": " + err.Error())
		}
		s["default"] = strings.Trim(literal(v), `"`)
		if kind := v.Kind(); kind == reflect.Bool || kind == reflect.Int {
			s["default"] = v.Interface()
		}
	}
	if k.example != "" {
		if k.typ == listType {
			s["examples"] = []any{[]string{k.example}}
		} else {
			s["examples"] = []any{k.example}
		}
	}
	return s
}

func (k key) typeSchema() object {
	switch {
	case k.section():
		return tableSchema(k.typ)
	case k.typ == accountsType:
		items := tableSchema(reflect.TypeFor[Account]())
		items["required"] = []string{"name", "kind"}
		return object{"type": "array", "items": items}
	case k.typ == templatesType:
		return templatesSchema()
	case k.typ == listType:
		return object{"type": "array", "items": object{"type": "string"}}
	case k.typ == reflect.TypeFor[Since]():
		return object{"type": "string", "pattern": sinceSpan.String() + `|^[0-9]{4}-[0-9]{2}-[0-9]{2}$`}
	case k.typ == reflect.TypeFor[Bytes]():
		return object{"anyOf": []any{object{"type": "integer"}, object{"type": "string", "pattern": bytesText.String()}}}
	case k.typ == durationType:
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
	case k.allowed() != nil:
		return object{"type": "string", "enum": k.allowed()}
	case k.text():
		return object{"type": "string"}
	case k.typ.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	}
	low, high := reflect.New(k.typ).Elem(), reflect.New(k.typ).Elem()
	if parseText(low, k.min) != nil || parseText(high, k.max) != nil {
		panic("config: bounds of " + k.name)
	}
	return object{"type": "integer", "minimum": low.Int(), "maximum": high.Int()}
}

func templatesSchema() object {
	code := func() object { return object{"type": "string", "pattern": templateCode.String() + "|^$"} }
	properties := object{}
	for event, shipped := range shippedTemplates {
		properties[event] = code()
		properties[event].(object)["default"] = shipped
	}
	return object{
		"type": "object", "additionalProperties": false, "properties": properties,
		"patternProperties": object{"^[a-z0-9_]+(" + strings.Join(documentEvents, "|") + ")$": code()},
	}
}
