package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"kith"
)

// ErrNoMessage says that what was read has no header, and so is no e-mail.
var ErrNoMessage = errors.New("no e-mail message: there is no header field in it")

// Bounds on what [Read] holds in memory beside the header.
const (
	maxHeldPart    = 64 << 10 // bytes of one part
	maxHeld        = 1 << 20  // bytes of all parts
	maxPartHeader  = 64 << 10
	lineBufferSize = 64 << 10
)

// Read reads a whole message, such as an .eml file or one message of an mbox.
// It reads r to its end, but holds only the header and the beginnings of parts
// that tell something. The error is that of r, or [ErrNoMessage].
func Read(r io.Reader) (*kith.Message, error) {
	m, _, err := read(r)
	return m, err
}

// ReadSnippet is [Read] with the message's snippet.
func ReadSnippet(r io.Reader) (*kith.Message, error) {
	m, p, err := read(r)
	if err != nil {
		return nil, err
	}
	if text := TextPart(p.root); text != nil {
		m.Snippet = Snippet(text, p.held[text])
	}
	return m, nil
}

func read(r io.Reader) (*kith.Message, *parser, error) {
	p := &parser{r: bufio.NewReaderSize(r, lineBufferSize), held: map[*Part][]byte{}}
	header, end := p.header(true)
	p.root, _ = p.entity(header, end, "text/plain", "", 0)
	if p.err != nil {
		return nil, nil, fmt.Errorf("read message: %w", p.err)
	}
	if !p.sawField {
		return nil, nil, ErrNoMessage
	}
	m := ParseHeader(header)
	m.Size = p.size
	for _, w := range p.warnings {
		warn(m, "%s", w)
	}
	for part, held := range p.held {
		if isMessage(part) {
			part.From = authorsOf(part.Decode(held))
		}
	}
	ApplyStructure(m, p.root)
	if m.Bounce != nil {
		report, original := BounceParts(p.root)
		ReadBounce(m, p.content(report), p.content(original))
	}
	return m, p, nil
}

// parser finds the structure of a message in one pass over its lines.
type parser struct {
	r        *bufio.Reader
	err      error // of r, other than its end
	size     int64
	pushed   []byte   // a line that is to be read once more
	bounds   [][]byte // the open boundaries with their dashes, outermost first
	lineEnd  []byte   // of the line that was read last, until it is known whose it is
	sawField bool     // in the message's header
	parts    int
	root     *Part
	held     map[*Part][]byte
	heldSize int
	warnings []string
}

// content returns the decoded body of a part as far as it is held.
func (p *parser) content(part *Part) []byte {
	if part == nil {
		return nil
	}
	return part.Decode(p.held[part])
}

// line returns the next line with its end, valid until the next call; nil at the end.
// whole is false for the continuation of a line that is longer than the buffer.
func (p *parser) line() (line []byte, whole bool) {
	if p.pushed != nil {
		line, p.pushed = p.pushed, nil
		return line, bytes.HasSuffix(line, []byte("\n"))
	}
	line, err := p.r.ReadSlice('\n')
	p.size += int64(len(line))
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		p.err = err
		return nil, true
	}
	if len(line) == 0 {
		return nil, true
	}
	return line, err == nil
}

// warn notes a warning, once.
func (p *parser) warn(text string) {
	if !slices.Contains(p.warnings, text) {
		p.warnings = append(p.warnings, text)
	}
}

// stop is what ended a part: a boundary, by its index in bounds, or the end of the message.
type stop struct {
	level int // -1 at the end of the message
	last  bool
}

var atEnd = stop{level: -1}

// boundary tells which open boundary a line is.
func (p *parser) boundary(line []byte) (stop, bool) {
	if len(p.bounds) == 0 || !bytes.HasPrefix(line, []byte("--")) {
		return stop{}, false
	}
	for level := len(p.bounds) - 1; level >= 0; level-- {
		rest, ok := bytes.CutPrefix(line, p.bounds[level])
		if !ok {
			continue
		}
		switch {
		case bytes.HasPrefix(rest, []byte("--")):
			return stop{level, true}, true
		case len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0: // RFC 2046 §5.1.1: padding
			return stop{level, false}, true
		}
	}
	return stop{}, false
}

// header reads the header of the message or of a part. end is set when there
// is no body behind it.
func (p *parser) header(root bool) (header []byte, end *stop) {
	limit := maxPartHeader
	if root {
		limit = maxHeader + 1 // so that ParseHeader sees that there is more
	}
	whole := true
	for {
		line, isWhole := p.line()
		starts := whole
		whole = isWhole
		if line == nil {
			return header, &atEnd
		}
		if starts {
			if s, ok := p.boundary(line); ok {
				end := s // s itself would be allocated for every line
				return header, &end
			}
			if isBlank(line) {
				if root && len(header) == 0 && p.fieldFollows() {
					continue
				}
				return header, nil
			}
			if !p.belongs(line, header) {
				line = bytes.Clone(line)
				if !p.fieldFollows() {
					p.pushed = line
					if len(header) > 0 {
						p.warn("there is no empty line between header and body")
					}
					return header, nil
				}
			}
		}
		header = append(header, line[:min(len(line), limit-len(header))]...)
	}
}

// belongs tells whether a line is part of a header of which the beginning was read.
func (p *parser) belongs(line, header []byte) bool {
	if len(header) == 0 && isMboxLine(line) {
		return true
	}
	if len(header) > 0 && (line[0] == ' ' || line[0] == '\t') {
		return true
	}
	_, ok := fieldName(line)
	p.sawField = p.sawField || ok
	return ok
}

// fieldFollows tells whether the next line is a field, or the end of the header.
func (p *parser) fieldFollows() bool {
	next, _ := p.r.Peek(200) // an error shows at the next read
	next = bytes.TrimLeft(next, "\r\n")
	_, ok := fieldName(next)
	return ok
}

// entity reads the body that belongs to a header, and returns what ended it.
func (p *parser) entity(header []byte, end *stop, mediaType, path string, depth int) (*Part, stop) {
	p.parts++
	part := &Part{Path: path, MediaType: mediaType}
	part.setHeader(header)
	if path == "" && !part.isMultipart() {
		part.Path = "1"
	}
	if end != nil {
		if part.isMultipart() {
			p.warn("a multipart has no parts")
		}
		return part, *end
	}
	if !part.isMultipart() {
		return part, p.body(part)
	}
	boundary := part.Params["boundary"]
	if boundary == "" || depth == maxDepth {
		p.warn("a multipart names no boundary, or is nested too deeply: its parts are not read")
		return part, p.body(part)
	}
	return part, p.multipart(part, boundary, depth)
}

func (p *parser) multipart(part *Part, boundary string, depth int) stop {
	level := len(p.bounds)
	p.bounds = append(p.bounds, []byte("--"+boundary))
	childType := "text/plain"
	if part.MediaType == "multipart/digest" {
		childType = "message/rfc822" // RFC 2046 §5.1.5
	}
	s := p.skip() // the preamble
	for s.level == level && !s.last {
		if p.parts >= maxParts {
			p.warn("there are more than a thousand parts: the rest is not read")
			s = p.skip()
			continue
		}
		path := strconv.Itoa(len(part.Children) + 1)
		if part.Path != "" {
			path = part.Path + "." + path
		}
		header, end := p.header(false)
		var child *Part
		child, s = p.entity(header, end, childType, path, depth+1)
		part.Children = append(part.Children, child)
	}
	p.bounds = p.bounds[:level]
	if len(part.Children) == 0 {
		p.warn("a multipart has no parts")
	}
	if s.level == level {
		return p.skip() // the epilogue
	}
	p.warn("a multipart does not end as it should: the message may be cut short")
	return s
}

// skip reads up to the next boundary.
func (p *parser) skip() stop { return p.lines(func([]byte) {}) }

// body reads the body of a leaf: it counts it, and holds the beginning of what
// may tell something.
func (p *parser) body(part *Part) stop {
	hold := 0
	if strings.HasPrefix(part.MediaType, "text/") || strings.HasPrefix(part.MediaType, "message/") {
		hold = min(maxHeldPart, maxHeld-p.heldSize)
	}
	encoding := transferEncoding(part.Encoding)
	var base64Chars int64
	padded := false
	var held []byte
	s := p.lines(func(b []byte) {
		part.Size += int64(len(b))
		if len(held) < hold {
			held = append(held, b[:min(len(b), hold-len(held))]...)
		}
		switch encoding {
		case "base64":
			for _, c := range b {
				padded = padded || c == '='
				if isBase64(c) && !padded {
					base64Chars++
				}
			}
		case "quoted-printable":
			part.decoded += int64(len(decodeQuotedPrintable(b)))
		}
	})
	if encoding == "base64" {
		part.decoded = base64Chars * 3 / 4
	}
	if len(held) > 0 {
		p.held[part] = held
		p.heldSize += len(held)
	}
	return s
}

// lines gives the lines up to the next boundary to each; the line end before a
// boundary belongs to the boundary (RFC 2046 §5.1.1). Of lines longer than the
// buffer, each is called with one piece after the other.
func (p *parser) lines(each func([]byte)) stop {
	p.lineEnd = p.lineEnd[:0]
	whole := true
	for {
		line, isWhole := p.line()
		if line == nil {
			each(p.lineEnd)
			return atEnd
		}
		if whole {
			if s, ok := p.boundary(line); ok {
				return s
			}
		}
		whole = isWhole
		each(p.lineEnd)
		text := bytes.TrimRight(line, "\r\n")
		p.lineEnd = append(p.lineEnd[:0], line[len(text):]...)
		each(text)
	}
}

// setHeader reads the header of a part.
func (p *Part) setHeader(header []byte) {
	seen := map[string]bool{}
	for name, value := range fields(string(header)) {
		name = strings.ToLower(name)
		if seen[name] {
			continue
		}
		value = unfold(value)
		switch name {
		case "content-type":
			mediaType, params := parseParams(value)
			if strings.Contains(mediaType, "/") {
				p.MediaType = mediaType
			}
			p.Params = params
		case "content-disposition":
			p.Disposition, p.DispositionParams = parseParams(value)
		case "content-transfer-encoding":
			p.Encoding = value
		case "content-id":
			p.ContentID = value
		default:
			continue
		}
		seen[name] = value != ""
	}
}
