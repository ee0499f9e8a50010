package message

import (
	"strings"

	"kith"
	"kith/address"
)

// readSignals reads what headers tell of the kind of a message.
//
// Bulk is mail to many: a List-Id, List-Post or campaign header;
// List-Unsubscribe, unless the message is a reply, for sales and help-desk
// programs add it to single letters; Precedence bulk, list or junk; and what a
// program wrote of its own accord (Auto-Submitted: auto-generated). Mail that a
// person wrote to a list is Bulk, too: whether the list is one of ours,
// ListPost tells.
//
// AutoReply is an answer by a program: RFC 3834's auto-replied, or the headers
// that programs older than that write, or auto-generated in a reply, as
// Exchange writes. Such a reply is no mass mail, although many say Precedence:
// bulk. X-Auto-Response-Suppress only asks that nobody answer, and subjects
// differ by language: neither is looked at.
func (h *header) readSignals(m *kith.Message) {
	listed := h.readList(m)
	precedence := strings.ToLower(h.keyword(fieldPrecedence))
	auto := strings.ToLower(h.keyword(fieldAutoSubmitted))
	unasked := strings.HasPrefix(auto, "auto-") && auto != "auto-replied" && auto != "auto-forwarded"

	m.AutoReply = auto == "auto-replied" || unasked && len(m.InReplyTo) > 0 && !listed ||
		precedence == "auto_reply" || precedence == "auto-reply" ||
		h.says(fieldXAutoreply) || h.says(fieldXAutorespond)
	m.Bulk = listed || !m.AutoReply && (unasked || precedence == "bulk" || precedence == "list" || precedence == "junk")
	m.AutoForwarded = auto == "auto-forwarded" || strings.EqualFold(h.keyword(fieldAutoforwarded), "true") ||
		h.first[fieldXForwardedTo] != "" || h.first[fieldXSieveRedirectedFrom] != "" ||
		strings.Contains(h.first[fieldXForwardedFor], "@") || // web servers write an IP address
		h.first[fieldInboxRulesLoop] != "" && !m.AutoReply
	m.AuthFailed = h.authFailed()
	h.readBounce(m)
	h.readSensitivity(m)
}

// readList tells whether the message came through a list or campaign, and
// finds the list's address.
func (h *header) readList(m *kith.Message) (listed bool) {
	for _, f := range [...]field{fieldListPost, fieldXMailingList, fieldXBeenThere} {
		v := h.first[f]
		listed = listed || v != ""
		for uri := range strings.SplitSeq(v, ",") { // RFC 2369 §3.4: several, or NO
			if m.ListPost == "" {
				m.ListPost, _ = address.Normalize(withoutComments(uri))
			}
		}
	}
	return listed || h.first[fieldListID] != "" || h.first[fieldXCampaign] != "" || h.first[fieldXCampaignID] != "" ||
		h.first[fieldListUnsubscribe] != "" && len(m.InReplyTo) == 0
}

// says tells whether a field is there, and does not say no.
func (h *header) says(f field) bool {
	return h.first[f] != "" && !strings.EqualFold(h.keyword(f), "no")
}

// keyword returns the first word of a field, without comment and parameters.
func (h *header) keyword(f field) string {
	v := h.first[f]
	if end := strings.IndexAny(v, " \t;("); end >= 0 {
		v = v[:end]
	}
	return v
}

// readBounce finds delivery reports and receipts by their headers. What a
// report says is read from its parts, see [ReadBounce].
func (h *header) readBounce(m *kith.Message) {
	if ct := h.first[fieldContentType]; hasPrefixFold(ct, "multipart/report") || hasPrefixFold(ct, "text/calendar") {
		mediaType, params := parseParams(ct)
		switch {
		case mediaType == "text/calendar":
			m.Invitation = invitation(params)
		case strings.EqualFold(params["report-type"], "delivery-status"):
			m.Bounce = &kith.Bounce{}
		case strings.EqualFold(params["report-type"], "disposition-notification"):
			m.Receipt = true
		}
	}
	if m.Bounce == nil && !m.Receipt && h.isDaemon(m) {
		m.Bounce = &kith.Bounce{}
	}
	if h.first[fieldXFailedRecipients] == "" || m.Receipt {
		return
	}
	if m.Bounce == nil {
		m.Bounce = &kith.Bounce{}
	}
	m.Bounce.Action = "failed"
	for _, a := range h.addresses(m, fieldXFailedRecipients) {
		m.Bounce.Recipients = appendNew(m.Bounce.Recipients, a.Address)
	}
}

// isDaemon tells whether a mail server wrote the message, to say that another
// did not arrive. A null return path alone does not tell: automatic replies
// have it as well (RFC 3834 §3.3).
func (h *header) isDaemon(m *kith.Message) bool {
	null := h.first[fieldReturnPath] == "<>"
	for _, from := range m.From {
		local, _, _ := strings.Cut(from.Address, "@")
		switch {
		case local == "mailer-daemon":
			return true
		case null && local == "postmaster" && !m.AutoReply:
			return true
		case null && strings.HasPrefix(local, "microsoftexchange") && len(local) > 40: // its hidden mailbox for reports
			return true
		}
	}
	return false
}

// authFailed reads the verdict of the receiving server (RFC 8601), which is
// the first; those below come from elsewhere. The author is forged when DMARC
// fails, or, where it was not tried, SPF does and no DKIM signature holds.
func (h *header) authFailed() bool {
	if h.first[fieldAuthenticationResults] == "" {
		return false
	}
	var dmarc, spf string
	dkim := false
	for result := range strings.SplitSeq(withoutComments(h.value(fieldAuthenticationResults)), ";") {
		method, rest, ok := strings.Cut(result, "=")
		if !ok {
			continue
		}
		verdict, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		verdict = strings.ToLower(verdict)
		method, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(method)), "/") // a version
		switch strings.TrimSpace(method) {
		case "dmarc":
			dmarc = verdict
		case "spf":
			spf = verdict
		case "dkim":
			dkim = dkim || verdict == "pass"
		}
	}
	switch dmarc {
	case "fail":
		return true
	case "pass":
		return false
	}
	return spf == "fail" && !dkim
}

func (h *header) readSensitivity(m *kith.Message) {
	switch v := strings.ToLower(h.value(fieldSensitivity)); {
	case v == "" || v == "normal" || v == "none":
	case v == "personal" || v == "private":
		m.Sensitivity = v
	case strings.Contains(v, "confidential"):
		m.Sensitivity = "company-confidential"
	default:
		warn(m, "the Sensitivity is not one of RFC 2156")
	}
}
