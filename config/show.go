package config

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Show writes the configuration that is in force, defaults included, as TOML.
// Of secrets it tells only where they are kept.
func (c *Config) Show(w io.Writer) error {
	var b strings.Builder
	root := reflect.ValueOf(c).Elem()
	for _, k := range keysOf(root.Type()) {
		if v := root.Field(k.index); !k.table() && !empty(v) {
			fmt.Fprintf(&b, "%s = %s\n", k.name, literal(v))
		}
	}
	for _, k := range keysOf(root.Type()) {
		v := root.Field(k.index)
		switch {
		case k.section():
			fmt.Fprintf(&b, "\n[%s]\n", k.name)
			showTable(&b, v)
		case k.typ == templatesType:
			fmt.Fprintf(&b, "\n[%s]\n", k.name)
			for _, event := range slices.Sorted(maps.Keys(c.Templates)) {
				fmt.Fprintf(&b, "%s = %s\n", event, quote(c.Templates[event]))
			}
		case k.typ == accountsType:
			for _, account := range c.written() {
				fmt.Fprintf(&b, "\n[[%s]]\n", k.name)
				showTable(&b, reflect.ValueOf(account))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// written returns the accounts as blocks of a file.
func (c *Config) written() []Account {
	if c.blocks != nil {
		return c.blocks
	}
	return c.Accounts
}

func showTable(b *strings.Builder, v reflect.Value) {
	for _, k := range keysOf(v.Type()) {
		if field := v.Field(k.index); !empty(field) || field.Kind() == reflect.Bool && k.def != "" {
			fmt.Fprintf(b, "%s = %s\n", k.name, literal(field))
		}
	}
}

// Example writes a kith.toml with every key and its meaning. What differs
// from the default in c, and c's accounts, is set; the rest stands there as
// a comment. [Load] accepts it if it accepts c's values. No secret is in it
// but one that c.Database holds.
func Example(c *Config) []byte {
	var b strings.Builder
	b.WriteString("# The configuration of kith. A line that begins with # is a comment: take the # away to set the key.\n" +
		"# kith config check tells whether all is well; kith config schema has the same in a form for editors.\n")
	root, usual := reflect.ValueOf(c).Elem(), reflect.ValueOf(Default()).Elem()
	for _, k := range keysOf(root.Type()) {
		if !k.table() {
			exampleKey(&b, k, root.Field(k.index), usual.Field(k.index))
		}
	}
	for _, k := range keysOf(root.Type()) {
		v, usual := root.Field(k.index), usual.Field(k.index)
		switch {
		case k.section():
			fmt.Fprintf(&b, "\n%s[%s]\n", comment(k.help), k.name)
			for _, k := range keysOf(k.typ) {
				exampleKey(&b, k, v.Field(k.index), usual.Field(k.index))
			}
		case k.typ == templatesType:
			fmt.Fprintf(&b, "\n%s[%s]\n", comment(k.help), k.name)
			for _, event := range slices.Sorted(maps.Keys(c.Templates)) {
				code := c.Templates[event]
				fmt.Fprintf(&b, "%s%s = %s\n", hash(code == shippedTemplates[event]), event, quote(code))
			}
		case k.typ == accountsType:
			exampleAccounts(&b, k, c.written())
		}
	}
	return []byte(b.String())
}

// exampleAccounts explains every key in the first account only; without an
// account it writes one as a comment.
func exampleAccounts(b *strings.Builder, k key, accounts []Account) {
	fmt.Fprintf(b, "\n%s", comment(k.help))
	var usual Account
	setDefaults(reflect.ValueOf(&usual).Elem())
	if len(accounts) == 0 {
		fmt.Fprintf(b, "# [[%s]]\n", k.name)
		accounts = []Account{usual}
	} else {
		fmt.Fprintf(b, "[[%s]]\n", k.name)
	}
	for i, a := range accounts {
		if i > 0 {
			fmt.Fprintf(b, "\n[[%s]]\n", k.name)
		}
		v := reflect.ValueOf(a)
		for _, k := range keysOf(v.Type()) {
			switch field := v.Field(k.index); {
			case i == 0:
				exampleKey(b, k, field, reflect.ValueOf(usual).Field(k.index))
			case !empty(field):
				fmt.Fprintf(b, "%s = %s\n", k.name, literal(field))
			}
		}
	}
}

func exampleKey(b *strings.Builder, k key, v, usual reflect.Value) {
	value, unset := literal(v), literal(v) == literal(usual)
	if unset {
		value = k.placeholder()
	}
	fmt.Fprintf(b, "\n%s%s%s = %s\n", comment(k.help+choices(k)), hash(unset), k.name, value)
}

// choices lists the values of an enum behind its help, where they are few.
func choices(k key) string {
	values := k.allowed()
	if len(values) == 0 || len(values) > 4 {
		return ""
	}
	return " One of: " + strings.Join(values, ", ") + "."
}

// placeholder is the default, or an example where there is none.
func (k key) placeholder() string {
	v := reflect.New(k.typ).Elem()
	if k.typ == listType {
		v.Set(reflect.ValueOf([]string{cmp.Or(k.example, k.def)}))
	} else if err := parseText(v, cmp.Or(k.def, k.example)); err != nil {
		panic("config: example of " + k.name + ": " + err.Error())
	}
	return literal(v)
}

// table tells whether the key is written as a [table] or [[table]].
func (k key) table() bool {
	return k.section() || k.typ == templatesType || k.typ == accountsType
}

// empty tells whether a value says nothing that its absence doesn't.
func empty(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// literal writes a value as TOML.
func literal(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case []string:
		quoted := make([]string, len(x))
		for i, s := range x {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	case time.Duration:
		// 10m0s is how Go writes ten minutes; people leave the zeros out.
		s := x.String()
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
		return quote(s)
	case *time.Location:
		return quote(x.String())
	case fmt.Stringer:
		return quote(x.String())
	}
	return quote(v.String())
}

// quote writes a basic string of TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func hash(commented bool) string {
	if commented {
		return "# "
	}
	return ""
}

// comment breaks a text into lines that begin with #.
func comment(text string) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString("#")
		case column+1+len(word) > 100:
			b.WriteString("\n#")
			column = 0
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	return b.String() + "\n"
}
