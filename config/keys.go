package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// key is one thing that may be written in a table of the file.
type key struct {
	index    int // of the field in its struct
	typ      reflect.Type
	name     string
	help     string
	def      string
	example  string
	min, max string
}

// enum is a text of which only some values are allowed.
type enum interface{ values() []string }

var (
	accountsType  = reflect.TypeFor[[]Account]()
	templatesType = reflect.TypeFor[Templates]()
	zoneType      = reflect.TypeFor[*time.Location]()
	durationType  = reflect.TypeFor[time.Duration]()
	listType      = reflect.TypeFor[[]string]()
	textType      = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// keysOf lists the keys of a table's struct in the order of its fields. The caller
// must not change them.
func keysOf(t reflect.Type) []key {
	if known, ok := keysByType.Load(t); ok {
		return known.([]key)
	}
	var keys []key
	for i := range t.NumField() {
		f := t.Field(i)
		if name := f.Tag.Get("toml"); name != "" {
			keys = append(keys, key{
				index: i, typ: f.Type, name: name, help: f.Tag.Get("help"), def: f.Tag.Get("default"),
				example: f.Tag.Get("example"), min: f.Tag.Get("min"), max: f.Tag.Get("max"),
			})
		}
	}
	keysByType.Store(t, keys)
	return keys
}

// keysByType has what keysOf found: accounts may come by the hundred thousand.
var keysByType sync.Map

// section tells whether the key is a table with keys of its own.
func (k key) section() bool {
	return k.typ.Kind() == reflect.Struct && len(keysOf(k.typ)) > 0
}

// text tells whether the value is written as a string.
func (k key) text() bool {
	return k.typ.Kind() == reflect.String || k.typ == zoneType || k.typ == durationType || reflect.PointerTo(k.typ).Implements(textType)
}

// allowed returns the values of an enum, nil for other types.
func (k key) allowed() []string {
	if e, ok := reflect.Zero(k.typ).Interface().(enum); ok {
		return e.values()
	}
	return nil
}

// check holds a number against the key's bounds.
func (k key) check(v reflect.Value) error {
	if k.min == "" {
		return nil
	}
	low, high := reflect.New(k.typ).Elem(), reflect.New(k.typ).Elem()
	if err := errors.Join(parseText(low, k.min), parseText(high, k.max)); err != nil {
		panic("config: bounds of " + k.name + ": " + err.Error())
	}
	if v.Int() < low.Int() || v.Int() > high.Int() {
		return fmt.Errorf("must be from %s to %s", k.min, k.max)
	}
	return nil
}

// parseText sets a field from the text of its value.
func parseText(v reflect.Value, s string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(s))
	}
	switch {
	case v.Type() == zoneType:
		return parseZone(v, s)
	case v.Type() == durationType:
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("%q is no duration: want a number and a unit, such as 30s, 10m or 1h30m", s)
		}
		v.SetInt(int64(d))
		return nil
	}
	if e, ok := v.Interface().(enum); ok {
		return parseEnum(v, s, e.values())
	}
	switch v.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		v.SetBool(b)
		return err
	case reflect.Int:
		n, err := strconv.Atoi(s)
		v.SetInt(int64(n))
		return err
	default:
		v.SetString(s)
		return nil
	}
}

func parseZone(v reflect.Value, s string) error {
	zone, err := time.LoadLocation(s)
	if s == "" || err != nil {
		return fmt.Errorf("%q is no time zone known here: want a name such as Europe/Brussels or UTC", s)
	}
	v.Set(reflect.ValueOf(zone))
	return nil
}

func parseEnum(v reflect.Value, s string, values []string) error {
	for _, value := range values {
		if s == value {
			v.SetString(s)
			return nil
		}
	}
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = strconv.Quote(value)
	}
	last := len(quoted) - 1
	return fmt.Errorf("%q is not known: want %s or %s%s", s, strings.Join(quoted[:last], ", "), quoted[last], didYouMean(s, values))
}

// didYouMean names the word nearest to s, if one is near enough to be meant.
func didYouMean(s string, words []string) string {
	best, least := "", max(2, len(s)/3)+1
	for _, w := range words {
		if d := distance(strings.ToLower(s), w); d < least && d < len(w) {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the least number of bytes to insert, remove or replace that makes b of a.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
