package message

import (
	"bytes"
	"iter"
	"strings"
	"unicode/utf8"

	"kith"
)

// field is a header field that kith looks at.
type field int

const (
	fieldNone field = iota
	fieldMessageID
	fieldInReplyTo
	fieldReferences
	fieldDate
	fieldSubject
	fieldFrom
	fieldSender
	fieldReplyTo
	fieldTo
	fieldCc
	fieldBcc
	fieldResentFrom
	fieldXOriginalFrom
	fieldDeliveredTo
	fieldXOriginalTo
	fieldEnvelopeTo
	fieldReturnPath
	fieldListID
	fieldListPost
	fieldListUnsubscribe
	fieldXBeenThere
	fieldXMailingList
	fieldPrecedence
	fieldXCampaign
	fieldXCampaignID
	fieldAutoSubmitted
	fieldXAutoreply
	fieldXAutorespond
	fieldAutoforwarded
	fieldXForwardedFor
	fieldXForwardedTo
	fieldXSieveRedirectedFrom
	fieldInboxRulesLoop
	fieldXFailedRecipients
	fieldAuthenticationResults
	fieldSensitivity
	fieldContentType
	numFields
)

// fieldNames is the one table of fields; fieldNone has no name.
var fieldNames = [numFields]string{
	fieldMessageID:  "Message-ID",
	fieldInReplyTo:  "In-Reply-To",
	fieldReferences: "References",
	fieldDate:       "Date",
	fieldSubject:    "Subject",
	fieldFrom:       "From",
	fieldSender:     "Sender",
	fieldReplyTo:    "Reply-To",
	fieldTo:         "To",
	fieldCc:         "Cc",
	fieldBcc:        "Bcc",
	fieldResentFrom: "Resent-From",

	fieldXOriginalFrom: "X-Original-From", // Google Groups and others
	fieldDeliveredTo:   "Delivered-To",
	fieldXOriginalTo:   "X-Original-To", // Postfix
	fieldEnvelopeTo:    "Envelope-To",   // Exim
	fieldReturnPath:    "Return-Path",

	fieldListID:          "List-Id",   // RFC 2919
	fieldListPost:        "List-Post", // RFC 2369
	fieldListUnsubscribe: "List-Unsubscribe",
	fieldXBeenThere:      "X-BeenThere", // Mailman, Google Groups
	fieldXMailingList:    "X-Mailing-List",
	fieldPrecedence:      "Precedence", // RFC 2076 §3.9
	fieldXCampaign:       "X-Campaign",
	fieldXCampaignID:     "X-CampaignID",

	fieldAutoSubmitted:         "Auto-Submitted", // RFC 3834
	fieldXAutoreply:            "X-Autoreply",
	fieldXAutorespond:          "X-Autorespond",
	fieldAutoforwarded:         "Autoforwarded",   // RFC 2156
	fieldXForwardedFor:         "X-Forwarded-For", // Gmail
	fieldXForwardedTo:          "X-Forwarded-To",
	fieldXSieveRedirectedFrom:  "X-Sieve-Redirected-From", // Dovecot
	fieldInboxRulesLoop:        "X-MS-Exchange-Inbox-Rules-Loop",
	fieldXFailedRecipients:     "X-Failed-Recipients",    // Exim, Gmail
	fieldAuthenticationResults: "Authentication-Results", // RFC 8601
	fieldSensitivity:           "Sensitivity",            // RFC 2156
	fieldContentType:           "Content-Type",
}

// Fields are the header fields that [ParseHeader] looks at: what to ask a
// server for with BODY.PEEK[HEADER.FIELDS (…)] (RFC 9051 §6.4.5). Not to be changed.
var Fields = fieldNames[1:]

var fieldByName = func() map[string]field {
	byName := make(map[string]field, numFields)
	for f, name := range fieldNames {
		byName[strings.ToLower(name)] = field(f)
	}
	delete(byName, "")
	return byName
}()

// lookupField finds a field by its name, in any case.
func lookupField(name string) field {
	var lower [32]byte
	if len(name) > len(lower) {
		return fieldNone
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return fieldByName[string(lower[:len(name)])]
}

// header holds the values of the fields that kith looks at.
type header struct {
	first    [numFields]string // the first value that is not empty, unfolded
	repeated []repeat          // further ones, of fields of which all count
	differs  bool              // a field of which the first counts has another value further on
	warnings []string
	warned   [numFields]bool
}

type repeat struct {
	field field
	value string
}

// joined tells for which fields all values count.
func (f field) joined() bool {
	switch f {
	case fieldTo, fieldCc, fieldBcc, fieldReferences, fieldInReplyTo,
		fieldDeliveredTo, fieldXOriginalTo, fieldEnvelopeTo, fieldXFailedRecipients:
		return true
	}
	return false
}

// traced tells which fields each server on the way adds once more: those of the last one stand first.
func (f field) traced() bool {
	switch f {
	case fieldDeliveredTo, fieldXOriginalTo, fieldEnvelopeTo, fieldReturnPath, fieldAuthenticationResults,
		fieldXForwardedFor, fieldXForwardedTo, fieldXSieveRedirectedFrom, fieldInboxRulesLoop,
		fieldXBeenThere, fieldXFailedRecipients, fieldResentFrom:
		return true
	}
	return false
}

// once tells which fields of those that tell what a message is may stand there
// once (RFC 5322 §3.6). Who reads another one than we do sees another message.
func (f field) once() bool {
	switch f {
	case fieldMessageID, fieldDate, fieldSubject, fieldFrom, fieldSender, fieldReplyTo:
		return true
	}
	return false
}

// read fills h from a header block.
func (h *header) read(raw []byte) {
	if len(raw) > maxHeader {
		raw = raw[:bytes.LastIndexByte(raw[:maxHeader], '\n')+1]
		h.warnings = append(h.warnings, "the header is longer than a megabyte: the rest is not read")
	}
	for name, value := range fields(string(raw)) {
		if name == "" {
			h.warn(fieldNone, "a line of the header is no field")
			continue
		}
		f := lookupField(name)
		if f == fieldNone {
			continue
		}
		value = unfold(value)
		switch {
		case value == "":
		case h.first[f] == "":
			h.first[f] = value
		case f.joined():
			h.repeated = append(h.repeated, repeat{f, value})
			if !f.traced() {
				h.warn(f, fieldNames[f]+" is given more than once: all are used")
			}
		case !f.traced():
			h.warn(f, fieldNames[f]+" is given more than once: the first is used")
			h.differs = h.differs || f.once() && value != h.first[f]
		}
	}
}

// warn notes a warning about a field, once.
func (h *header) warn(f field, text string) {
	if !h.warned[f] {
		h.warned[f] = true
		h.warnings = append(h.warnings, text)
	}
}

// fields yields the fields of a header block, folds left in. A line that is no
// field comes with an empty name. The block ends at the first empty line;
// empty lines and an mbox line before it are skipped.
func fields(s string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		s = strings.TrimPrefix(s, "\ufeff")
		s = strings.TrimLeft(s, "\r\n")
		if line, rest := cutLine(s); isMboxLine(line) {
			s = rest
		}
		for s != "" {
			line, rest := cutLine(s)
			if isBlank(line) {
				return
			}
			for rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
				_, rest = cutLine(rest)
			}
			whole := s[:len(s)-len(rest)]
			s = rest
			name, ok := fieldName(whole)
			value := ""
			if ok {
				value = whole[strings.IndexByte(whole, ':')+1:]
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

func cutLine(s string) (line, rest string) {
	i := strings.IndexByte(s, '\n')
	if i < 0 {
		return s, ""
	}
	return s[:i+1], s[i+1:]
}

// isMboxLine tells whether a line is the one that mbox files have before each message (RFC 4155).
func isMboxLine[T string | []byte](line T) bool {
	s := strings.TrimPrefix(string(line[:min(len(line), 10)]), ">")
	if !strings.HasPrefix(s, "From ") {
		return false
	}
	_, isField := fieldName(line)
	return !isField
}

func isBlank[T string | []byte](line T) bool {
	return len(line) == 1 && (line[0] == '\n' || line[0] == '\r') || len(line) == 2 && line[0] == '\r' && line[1] == '\n'
}

// fieldName returns the name of the field that a line starts with (RFC 5322
// §2.2; §4.5.8 allows blanks before the colon).
func fieldName[T string | []byte](line T) (T, bool) {
	var none T
	end := 0
	for end < len(line) && line[end] > ' ' && line[end] != 0x7f && line[end] != ':' {
		end++
	}
	colon := end
	for colon < len(line) && (line[colon] == ' ' || line[colon] == '\t') {
		colon++
	}
	if end == 0 || colon == len(line) || line[colon] != ':' {
		return none, false
	}
	return line[:end], true
}

// unfold makes one line of a field's value (RFC 5322 §2.2.3): the blanks
// around a fold become one.
func unfold(s string) string {
	s = trimFold(s)
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for {
		fold := 0
		for fold < len(s) && s[fold] != '\n' && s[fold] != '\r' {
			fold++
		}
		b = append(b, s[:fold]...)
		if fold == len(s) {
			return string(b)
		}
		b = append(bytes.TrimRight(b, " \t"), ' ')
		s = trimFold(s[fold:])
	}
}

// trimFold removes the blanks and line ends around s.
func trimFold(s string) string {
	for s != "" && isFold(s[0]) {
		s = s[1:]
	}
	for s != "" && isFold(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isFold(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// value returns the first value of a field as valid UTF-8, not yet decoded.
func (h *header) value(f field) string { return h.toUTF8(h.first[f]) }

// toUTF8 guesses what 8-bit characters mean that should have been encoded:
// UTF-8 (RFC 6532), else the charset of the body, else Windows-1252.
func (h *header) toUTF8(s string) string {
	if i := strings.IndexByte(s, 0x1b); i >= 0 && i+1 < len(s) && (s[i+1] == '$' || s[i+1] == '(') {
		return decodeCharset("iso-2022-jp", []byte(s))
	}
	if utf8.ValidString(s) {
		return s
	}
	_, params := parseParams(h.first[fieldContentType])
	return guessCharset(params["charset"], []byte(s))
}

// text returns the text of an unstructured field, decoded and clean.
func (h *header) text(f field) string {
	return clean(decodeWords(h.value(f)))
}

// addresses returns the mailboxes in a field.
func (h *header) addresses(m *kith.Message, f field) []kith.Address {
	if h.first[f] == "" {
		return nil
	}
	var list addressList
	list.parse(h.value(f))
	for _, r := range h.repeated {
		if r.field == f {
			list.parse(h.toUTF8(r.value))
		}
	}
	if list.cut {
		warn(m, "%s has more than %d addresses: the rest is left out", fieldNames[f], maxAddresses)
	}
	if list.foreign {
		warn(m, "%s has an entry that is no e-mail address", fieldNames[f])
	}
	return list.addresses
}

// deliveredTo returns the addresses that servers noted on arrival, without duplicates.
func (h *header) deliveredTo(m *kith.Message) []string {
	var to []string
	for _, f := range [...]field{fieldDeliveredTo, fieldXOriginalTo, fieldEnvelopeTo} {
		for _, a := range h.addresses(m, f) {
			to = appendNew(to, a.Address)
		}
	}
	return to
}

// maxDelivered bounds lists that servers on the way write, which are short.
const maxDelivered = 100

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	if len(list) == maxDelivered {
		return list
	}
	return append(list, s)
}
