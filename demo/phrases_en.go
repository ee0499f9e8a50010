package demo

var english = &language{
	tag: "en", zone: 0, summer: true,
	day:   "2 January",
	hello: []string{"Dear {first},", "Hello {first},", "Hi {first},"},
	bye:   []string{"Kind regards,", "Best wishes,", "Many thanks,"},
	wrote: "On {date}, {name} wrote:",
	re:    "Re: ",
	items: []string{"soup plates", "pasta bowls", "espresso cups", "serving platters", "salad bowls", "cake stands", "water jugs", "butter dishes", "side plates", "breakfast mugs"},
	topics: []topic{
		{subjects: []string{"Quote for {qty} {item}", "Price for {item}", "Enquiry: {item}"}, turns: []turn{
			{says: []string{
				"We are planning the new season and would like a quote for {qty} {item} in the speckled glaze. They would have to be with us by {day}.\n\nCould you also tell me what a reorder of half that number would cost?",
				"Could you let me have your best price for {qty} {item}, delivered? The oatmeal glaze would suit the room, but I am open to suggestions.\n\nWe would need them by {day} at the latest.",
			}},
			{attach: "Offer {no}.pdf", says: []string{
				"Thank you for asking us. Our offer no. {no} for {qty} {item} is attached; the total comes to {sum} before tax, and we can deliver by {day}.\n\nThe price holds for thirty days. A reorder within the year is at the same price per piece.",
				"Please find attached offer no. {no}: {qty} {item}, {sum} in all, carriage included. I have put a small allowance for breakages on top, free of charge.\n\nIf you confirm this week, the kiln slot is yours.",
			}},
			{says: []string{
				"That looks good. One question before I sign it off: are they safe in a commercial dishwasher at 85 degrees?",
				"Thanks for the quick answer. Would the price change if we took the rims unglazed?",
			}},
			{says: []string{
				"Yes, no difficulty at all; that is what we have in our own test kitchen, day in, day out. I shall keep the offer open for you.",
				"Not at all, the price stays as it is. I would only ask you to tell me before we load the kiln.",
			}},
			{says: []string{
				"Perfect, please go ahead. Our order number is {no}-A.",
				"Then let us do it. Please confirm the date when you can.",
			}},
			{attach: "Order confirmation {no}.pdf", says: []string{
				"Thank you for the order. The confirmation is attached, and Bob will ring you the day before the delivery.",
			}},
		}},
		{subjects: []string{"Order {no}: {item}", "Reorder of {item} ({no})"}, turns: []turn{
			{attach: "Purchase order {no}.pdf", says: []string{
				"Please find our order no. {no} attached: {qty} {item}, as last time. Delivery to the back entrance before eleven, please.",
				"Could we have another {qty} {item}? The order is attached. It is not urgent; any time before {day} is fine.",
			}},
			{says: []string{
				"Thank you, order no. {no} is in the book. We expect to fire on the weekend and to send everything on {day}.",
				"Many thanks for order no. {no}. All of it is on the shelf, so it leaves us tomorrow.",
			}},
			{says: []string{
				"All arrived in one piece, thank you. The colour is even better than on the sample.",
				"Delivery came this morning, everything complete. Please send the invoice to our accounts department.",
			}},
		}},
		{subjects: []string{"Delivery {no}: damaged pieces", "Breakages in delivery {no}"}, turns: []turn{
			{attach: "Photos delivery {no}.pdf", says: []string{
				"Four of the {item} from delivery {no} were broken when we opened the boxes, and two more have hairline cracks. Pictures are attached.\n\nCould you send replacements before {day}? We have a full house then.",
				"I am sorry to say that one box of delivery {no} must have been dropped on the way: five {item} are in pieces. How would you like to handle it?",
			}},
			{says: []string{
				"I am very sorry about that. Replacements go out today, at no cost to you. You need not send anything back; please just keep the box for the carrier.",
				"Thank you for telling us at once. We shall replace all of them and have a word with the carrier. Expect the parcel in two days.",
			}},
			{says: []string{
				"The replacements are here and look fine. Thank you for sorting this out so quickly.",
			}},
		}},
		{subjects: []string{"Invoice {no}", "Query on invoice {no}"}, turns: []turn{
			{says: []string{
				"On invoice {no} we see a charge for delivery, whereas your offer said that delivery was included. Could you have a look, please?",
				"Could you send a copy of invoice {no}? It does not seem to have reached us, and I should like to settle it with this month's run.",
			}},
			{attach: "Invoice {no}.pdf", says: []string{
				"You are right, and I apologise. The corrected invoice over {sum} is attached; please disregard the first one.",
				"Of course; here is invoice {no} over {sum} once more. There is no hurry.",
			}},
			{says: []string{
				"Thank you. It will be paid on {day}.",
			}},
		}},
		{ours: true, subjects: []string{"Visit on {day}", "Meeting on {day}?"}, turns: []turn{
			{says: []string{
				"I shall be in your area on {day} and would love to show you the new {item}. Would half past ten suit you?",
				"May I drop in on {day}? I should like to see how the {item} have stood up to a busy summer, and I am bringing samples of the new glaze.",
			}},
			{says: []string{
				"That would be lovely. Half past ten is fine; ask for me at the desk.",
				"Good idea. Could we make it two o'clock instead? Mornings are difficult at the moment.",
			}},
			{says: []string{
				"Wonderful, it is in the diary. I look forward to it.",
				"That works just as well for me. See you then.",
			}},
		}},
		{ours: true, subjects: []string{"Our offer {no}", "Offer {no}: any questions?"}, turns: []turn{
			{says: []string{
				"A fortnight ago I sent you our offer no. {no} for {qty} {item}. Is there anything that I can make clearer, or should we go over the numbers together?",
			}},
			{says: []string{
				"Sorry for keeping you waiting. The budget is only decided next month; I will come back to you by {day}.",
				"Thanks for the reminder. We have decided to stay with what we have this year, but please ask again in spring.",
			}},
			{says: []string{
				"Thank you for being so open. I have made a note and will be in touch.",
			}},
		}},
		{ours: true, subjects: []string{"Our new catalogue", "Spring collection: {item}"}, turns: []turn{
			{attach: "Fennel & Finch catalogue.pdf", says: []string{
				"Our new catalogue is fresh from the printer's, and I wanted you to have it before everybody else. The {item} on the centre pages were made with rooms like yours in mind.",
			}},
			{says: []string{
				"Thank you, it looks beautiful. Could you send me two samples of the {item}?",
				"What a handsome catalogue. I have passed it on to the kitchen; they will want the {item}, I am sure.",
			}},
			{says: []string{
				"The samples are in tonight's post. Keep them as long as you like.",
			}},
		}},
		{subjects: []string{"Our call this morning", "As discussed: {item}"}, turns: []turn{
			{says: []string{
				"Just to sum up our call: {qty} {item} in two deliveries, the first by {day}, the second four weeks later, both to the main entrance. Did I get that right?",
			}},
			{says: []string{
				"Exactly as we agreed. I have booked both deliveries; you will get a note from the carrier beforehand.",
			}},
		}},
		{ours: true, supplier: true, subjects: []string{"Purchase order {no}", "Order {no}"}, turns: []turn{
			{attach: "Purchase order {no}.pdf", says: []string{
				"Please find our order no. {no} attached. We would need the goods by {day}; part deliveries are welcome.",
				"Our order no. {no} is attached, the same as in the last quarter. Could you confirm price and date, please?",
			}},
			{attach: "Confirmation {no}.pdf", says: []string{
				"Thank you for order no. {no}, which we confirm as attached. It leaves our yard on {day}.",
				"Order no. {no} received with thanks. One item is out of stock until next week; shall we send the rest ahead?",
			}},
			{says: []string{
				"That is fine for us, please go ahead.",
			}},
		}},
		{supplier: true, subjects: []string{"New price list", "Price change from {day}"}, turns: []turn{
			{attach: "Price list {no}.pdf", says: []string{
				"Energy costs oblige us to change our prices from {day}. The new list is attached; orders placed before that date are at the old prices.",
			}},
			{says: []string{
				"Thank you for the early word. We will place our order for the autumn this week.",
				"I understand the reasons, but the increase is steep. Can we talk about it on the phone?",
			}},
		}},
	},
}

// arrivalTopic is what [Arrival] is about.
var arrivalTopic = topic{subjects: []string{"Sample of the {item}"}, turns: []turn{{says: []string{
	"The sample arrived this morning and everybody here likes it. We would take {qty} {item} to begin with. Could you send me an offer with delivery by {day}?",
}}}}
