package imapsource

import (
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"kith/message"
)

// Bounds of a MIME tree. What goes beyond is left out: nobody nests so deep,
// and no list of attachments needs so many.
const (
	maxPartDepth = 50
	maxParts     = 1000

	maxInnerAuthors = 20 // of a message inside
)

// structure turns a BODYSTRUCTURE (RFC 9051 §7.5.2) into the tree that package
// message reads. Of the inside of an attached message only its authors are taken.
func structure(bs imap.BodyStructure) *message.Part {
	left := maxParts
	root := part(bs, "", 0, &left)
	if root != nil && root.Path == "" && len(root.Children) == 0 && !strings.HasPrefix(root.MediaType, "multipart/") {
		root.Path = "1" // RFC 9051 §6.4.5.1: every message has a part 1
	}
	return root
}

func part(bs imap.BodyStructure, path string, depth int, left *int) *message.Part {
	if *left <= 0 || depth > maxPartDepth {
		return nil
	}
	*left--
	switch bs := bs.(type) {
	case *imap.BodyStructureSinglePart:
		p := &message.Part{
			Path:      path,
			MediaType: strings.ToLower(bs.Type + "/" + bs.Subtype),
			Params:    bs.Params,
			ContentID: bs.ID,
			Encoding:  strings.ToLower(bs.Encoding),
			Size:      int64(bs.Size),
		}
		if bs.Extended != nil {
			setDisposition(p, bs.Extended.Disposition)
		}
		if inner := bs.MessageRFC822; inner != nil && inner.Envelope != nil {
			for _, from := range inner.Envelope.From[:min(len(inner.Envelope.From), maxInnerAuthors)] {
				if author, ok := message.Mailbox(from.Name, from.Mailbox, from.Host); ok {
					p.From = append(p.From, author)
				}
			}
		}
		return p
	case *imap.BodyStructureMultiPart:
		p := &message.Part{Path: path, MediaType: "multipart/" + strings.ToLower(bs.Subtype)}
		if bs.Extended != nil {
			p.Params = bs.Extended.Params
			setDisposition(p, bs.Extended.Disposition)
		}
		for i, child := range bs.Children {
			c := part(child, childPath(path, i+1), depth+1, left)
			if c == nil {
				break
			}
			p.Children = append(p.Children, c)
		}
		return p
	}
	return nil
}

func setDisposition(p *message.Part, d *imap.BodyStructureDisposition) {
	if d != nil {
		p.Disposition = strings.ToLower(d.Value)
		p.DispositionParams = d.Params
	}
}

func childPath(parent string, n int) string {
	if parent == "" {
		return strconv.Itoa(n)
	}
	return parent + "." + strconv.Itoa(n)
}

// sectionPath reads a part's path back into numbers.
func sectionPath(path string) []int {
	var nums []int
	for field := range strings.SplitSeq(path, ".") {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil
		}
		nums = append(nums, n)
	}
	return nums
}
