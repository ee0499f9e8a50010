package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// loader gathers what several files say into one configuration, and all that is
// wrong with it.
type loader struct {
	cfg    *Config
	env    Env
	dir    string           // relative paths start here
	places map[string]place // by path in the configuration: tables, keys, and elements of arrays
	found  []finding
	broken map[string]bool // paths whose values could not be decoded

	members []Account // with one for each user of a master user
	alone   bool      // one account is read that no file defines
}

// place is where something is written.
type place struct {
	doc  *document
	span span
}

// finding is a problem that has no text yet.
type finding struct {
	place
	path    string
	message string
	warning bool
}

// decode takes over what a file says. Accounts and never_record are added to
// those of the files before; anything else may be set in one file only.
func (l *loader) decode(doc *document) {
	l.table(reflect.ValueOf(l.cfg).Elem(), doc, doc.tree, "", "")
}

// table decodes a table. path is where it is in the configuration, at where it is in the file.
func (l *loader) table(v reflect.Value, doc *document, tree map[string]any, path, at string) {
	keys := keysOf(v.Type())
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		path, at := join(path, name), join(at, name)
		here := place{doc, doc.spans[at]}
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
		if i < 0 {
			l.found = append(l.found, finding{place{doc, span{key: here.span.key}}, path, "unknown key" + hint(name, keys, v.Type()), false})
			continue
		}
		k, raw := keys[i], tree[name]
		switch {
		case k.section():
			if inner, ok := want[map[string]any](l, here, path, raw, "a table: write ["+path+"]"); ok {
				l.places[path] = here
				l.table(v.Field(k.index), doc, inner, path, at)
			}
		case k.typ == templatesType:
			if inner, ok := want[map[string]any](l, here, path, raw, "a table: write ["+path+"]"); ok {
				l.templates(doc, inner, path, at)
			}
		case k.typ == accountsType:
			if list, ok := want[[]any](l, here, path, raw, "an array of tables: write [["+path+"]]"); ok {
				l.accounts(doc, list, at, here)
			}
		case k.typ == listType:
			if k.name != "never_record" && !l.once(path, here) {
				continue
			}
			l.places[path] = here
			if list, ok := want[[]any](l, here, path, raw, `an array of strings: write ["…"]`); ok {
				l.list(v.Field(k.index), doc, list, path, at)
			}
		default:
			if l.once(path, here) {
				l.places[path] = here
				if err := l.value(k, v.Field(k.index), raw); err != nil {
					l.problem(path, "%v", err)
				}
			}
		}
	}
}

// accounts adds the accounts of a file.
func (l *loader) accounts(doc *document, list []any, at string, here place) {
	for i, raw := range list {
		account := Account{getenv: l.env.Getenv, dir: l.dir}
		setDefaults(reflect.ValueOf(&account).Elem())
		at := index(at, i)
		if element, ok := doc.spans[at]; ok {
			here.span = element
		}
		inner, ok := want[map[string]any](l, here, "account", raw, "a table: write [[account]]")
		if !ok {
			continue
		}
		path := index("account", len(l.cfg.Accounts))
		l.places[path] = here
		l.cfg.Accounts = append(l.cfg.Accounts, account)
		l.table(reflect.ValueOf(&l.cfg.Accounts[len(l.cfg.Accounts)-1]).Elem(), doc, inner, path, at)
	}
}

func (l *loader) templates(doc *document, tree map[string]any, path, at string) {
	for _, event := range slices.Sorted(maps.Keys(tree)) {
		path := join(path, event)
		here := place{doc, doc.spans[join(at, event)]}
		if code, ok := want[string](l, here, path, tree[event], "a string"); ok && l.once(path, here) {
			l.places[path] = here
			l.cfg.Templates[event] = code
		}
	}
}

// list adds the strings of an array to a field.
func (l *loader) list(v reflect.Value, doc *document, list []any, path, at string) {
	for i, raw := range list {
		path := index(path, v.Len())
		here := place{doc, doc.spans[index(at, i)]}
		if s, ok := want[string](l, here, path, raw, "a string"); ok {
			l.places[path] = here
			v.Set(reflect.Append(v, reflect.ValueOf(s)))
		}
	}
}

// value sets a field from one value.
func (l *loader) value(k key, v reflect.Value, raw any) error {
	switch raw := raw.(type) {
	case string:
		if !k.text() {
			break
		}
		if err := parseText(v, raw); err != nil {
			return err
		}
		return k.check(v)
	case bool:
		if v.Kind() != reflect.Bool {
			break
		}
		v.SetBool(raw)
		return nil
	case int64:
		// A size may be a plain number; a duration may not, as it has no unit.
		if !v.CanInt() || k.typ == durationType {
			break
		}
		v.SetInt(raw)
		return k.check(v)
	case toml.LocalDate:
		if since, ok := v.Addr().Interface().(*Since); ok {
			return since.UnmarshalText([]byte(raw.String()))
		}
	}
	want := "a string"
	switch {
	case k.typ == durationType:
		want = fmt.Sprintf("a duration in quotes, such as %q", k.def)
	case v.Kind() == reflect.Bool:
		want = "true or false, without quotes"
	case v.Kind() == reflect.Int:
		want = "an integer, without quotes"
	case k.def+k.example != "":
		want = fmt.Sprintf("a string, such as %q", cmp.Or(k.example, k.def))
	}
	return fmt.Errorf("is %s: want %s", typeName(raw), want)
}

// want returns raw as a T, or notes what should have been written there.
func want[T any](l *loader, here place, path string, raw any, what string) (value T, ok bool) {
	value, ok = raw.(T)
	if !ok {
		l.found = append(l.found, finding{here, path, fmt.Sprintf("is %s: want %s", typeName(raw), what), false})
	}
	return value, ok
}

// once notes a problem if another file has set the key already.
func (l *loader) once(path string, here place) bool {
	before, twice := l.places[path]
	if twice && before.doc != here.doc {
		row, _, _ := excerpt(before.doc.data, before.span.key.offset, 0)
		l.found = append(l.found, finding{place{here.doc, span{key: here.span.key}}, path,
			fmt.Sprintf("is set already at %s:%d; remove one of the two", before.doc.file, row), false})
		return false
	}
	return true
}

// hint says what an unknown key may have been meant to be.
func hint(name string, keys []key, table reflect.Type) string {
	for _, word := range []string{"pass", "pwd", "secret", "token"} {
		if strings.Contains(strings.ToLower(name), word) && table == reflect.TypeFor[Account]() {
			return "; secrets are not written in this file: use password_file, password_command, password_env or credential"
		}
	}
	if strings.Contains(strings.ToLower(name), "key") && table == reflect.TypeFor[Secrets]() {
		return "; keys are not written in this file: use key_file, key_command, key_env or key_credential"
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	if near := didYouMean(name, names); near != "" {
		return near
	}
	if home := homeOf(name); home != "" {
		return "; it belongs " + home
	}
	slices.Sort(names)
	return "; known here: " + strings.Join(names, ", ")
}

// homeOf names the table in which a key is known.
func homeOf(name string) string {
	has := func(t reflect.Type) bool {
		return slices.ContainsFunc(keysOf(t), func(k key) bool { return k.name == name })
	}
	root := reflect.TypeFor[Config]()
	if has(root) {
		return "at the top of the file, before the first [table]"
	}
	for _, k := range keysOf(root) {
		if k.section() && has(k.typ) {
			return "in [" + k.name + "]"
		}
	}
	if has(reflect.TypeFor[Account]()) {
		return "in [[account]]"
	}
	if _, ok := shippedTemplates[name]; ok {
		return "in [templates]"
	}
	return ""
}
