package carddavsource

import (
	"context"
	"strings"
)

// count counts the cards.
func (p *pass) count(ctx context.Context) (int, error) {
	l, err := p.book.Members(ctx)
	if err != nil {
		return 0, err
	}
	p.warnings = append(p.warnings, l.Odd...)
	if !l.Complete {
		return max(1, len(l.Members)), nil // what is odd may be a card
	}
	return len(l.Members) + len(l.Failed), nil
}

// isCard tells whether a media type, which many servers leave out, may be that of a vCard.
func isCard(mediaType string) bool {
	mediaType = strings.ToLower(mediaType)
	return mediaType == "" || strings.Contains(mediaType, "vcard") ||
		strings.HasPrefix(mediaType, "text/directory") || strings.HasPrefix(mediaType, "text/plain") ||
		strings.HasPrefix(mediaType, "application/octet-stream")
}
