package message

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText returns the text of an HTML letter, with line ends where blocks
// end. Scripts, styles, what is hidden and the history that mailers mark as
// quoted are left out.
func htmlText(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	var skipped atom.Atom // the element that is being left out
	depth := 0            // of elements of that name in it
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String() // the end, or something that can't be read further
		case html.TextToken:
			if depth == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken:
			t := z.Token()
			switch {
			case depth > 0:
				if t.DataAtom == skipped {
					depth++
				}
			case isHistory(t.Attr):
				return b.String()
			case isLeftOut(t):
				skipped, depth = t.DataAtom, 1
			default:
				lineEnd(&b, t.DataAtom)
			}
		case html.SelfClosingTagToken:
			if t := z.Token(); depth == 0 {
				lineEnd(&b, t.DataAtom)
			}
		case html.EndTagToken:
			t := z.Token()
			switch {
			case depth == 0:
				lineEnd(&b, t.DataAtom)
			case t.DataAtom == skipped:
				depth--
			}
		}
	}
}

func lineEnd(b *strings.Builder, a atom.Atom) {
	switch a {
	case atom.Br, atom.P, atom.Div, atom.Tr, atom.Li, atom.Ul, atom.Ol, atom.Table, atom.Hr, atom.Pre, atom.Blockquote,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Section, atom.Article, atom.Header, atom.Footer,
		atom.Address, atom.Dd, atom.Dt, atom.Dl, atom.Center, atom.Body:
		b.WriteByte('\n')
	case atom.Td, atom.Th:
		b.WriteByte(' ')
	}
}

// isLeftOut tells whether an element is none of what the author wrote to be
// read. Elements that have no end are never left out.
func isLeftOut(t html.Token) bool {
	switch t.DataAtom {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Noscript, atom.Template, atom.Svg, atom.Object:
		return true
	case atom.Br, atom.Img, atom.Hr, atom.Input, atom.Meta, atom.Link, atom.Col, 0:
		return false
	}
	for _, a := range t.Attr {
		switch a.Key {
		case "type":
			if t.DataAtom == atom.Blockquote && strings.EqualFold(a.Val, "cite") { // Apple Mail, Thunderbird
				return true
			}
		case "class":
			for class := range strings.FieldsSeq(a.Val) {
				switch class {
				case "gmail_quote", "gmail_attr", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote", "zmail_extra":
					return true
				}
			}
		case "style":
			style := strings.ToLower(strings.ReplaceAll(a.Val, " ", ""))
			if strings.Contains(style, "display:none") || strings.Contains(style, "mso-hide:all") {
				return true
			}
		case "hidden":
			return true
		}
	}
	return false
}

// isHistory tells whether an element marks that all behind it is quoted.
func isHistory(attrs []html.Attribute) bool {
	for _, a := range attrs {
		if a.Key != "id" {
			continue
		}
		switch strings.TrimPrefix(a.Val, "x_") {
		case "divRplyFwdMsg", "appendonsend", "OLK_SRC_BODY_SECTION", "mail-editor-reference-message-container", "ms-outlook-mobile-reference-message":
			return true
		}
	}
	return false
}
