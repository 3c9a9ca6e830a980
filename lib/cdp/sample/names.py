"""Names, nicknames, places and words from which people are made. None of them stands for a real person."""

from __future__ import annotations


def _words(text: str, separator: str = " ") -> tuple[str, ...]:
    return tuple(text.split(separator))


FEMALE = _words(
    "Olivia Amelia Isla Ava Mia Ivy Lily Grace Sophie Emily Elizabeth Katherine Margaret Jennifer Susan Deborah "
    "Patricia Rebecca Victoria Alexandra Jessica Abigail Eleanor Charlotte Hannah Lucy Ruby Chloe Evelyn Alice "
    "Florence Poppy Rosie Freya Sienna Daisy Phoebe Harriet Matilda Beatrice Joan Ellen Marie Nicole Gemma Leanne "
    "Priya Aisha Fatima Zara Mei Ling Agnieszka Magda Ingrid Chiara Niamh Siobhan Aoife Imogen Josephine Theresa "
    "Christine Barbara Dorothy Pamela Sandra Sharon Tracey Julie Amanda Samantha Natalie Kirsty Fiona Heather"
)
MALE = _words(
    "Oliver George Noah Arthur Harry Leo Muhammad Jack Charlie Oscar Henry William James Robert Michael Richard "
    "Thomas Christopher Daniel Matthew Anthony Steven Andrew Joshua Benjamin Samuel Alexander Edward Joseph David "
    "John Jonathan Nicholas Timothy Peter Gregory Philip Kenneth Ronald Stephen Gareth Rhys Owen Callum Ewan Hamish "
    "Liam Sean Patrick Declan Raj Arjun Imran Yusuf Wei Jun Piotr Tomasz Lars Marco Luca Adam Aaron Lewis Dylan Toby "
    "Frederick Theodore Archie Isaac Max Jake Elliot Martin Graham Keith Colin Trevor Ian Neil Stuart Duncan"
)
FAMILY = _words(
    "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White "
    "Roberts Green Hall Wood Jackson Clarke Khan Harris Lewis Martin Cooper King Ahmed Morgan Hughes Edwards Hill "
    "Moore Clark Harrison Scott Young Morris Ward Turner Carter Phillips Mitchell Singh Anderson Allen Campbell Bell "
    "Miller Murphy Kelly Richardson Shaw Simpson Collins Begum Bailey Bennett Cox Mason Hussain Webb Marshall Rogers "
    "Chapman Hunt Mills Palmer Gibson Barker Lloyd Stevens Russell Graham Fisher Knight Reid Butler Murray Holmes "
    "Barnes Dixon Fletcher Pearson Powell Harvey Andrews Ford Ellis Foster Kaur Saunders Hudson Fox Atkinson Gordon "
    "O'Brien O'Neill McDonald MacLeod Fitzgerald Kowalski Nowak Rossi Schmidt Larsen Okafor Mensah Adeyemi Chen Wong "
    "Nguyen Ali Rahman Sharma Gupta Desai Ferreira Silva Costa Novak Popescu Ivanova Petrov Byrne Doyle Brennan Quinn "
    "Hargreaves Ashworth Pemberton Whitaker Blackwood Thornton Llewellyn Pritchard Trelawney Penrose Bancroft"
)
NICKNAMES = {
    "Elizabeth": "Liz",
    "Katherine": "Kate",
    "Margaret": "Maggie",
    "Jennifer": "Jenny",
    "Susan": "Sue",
    "Deborah": "Debbie",
    "Patricia": "Pat",
    "Rebecca": "Becky",
    "Victoria": "Vicky",
    "Alexandra": "Alex",
    "Jessica": "Jess",
    "Abigail": "Abby",
    "Eleanor": "Ellie",
    "Charlotte": "Lottie",
    "Josephine": "Jo",
    "Theresa": "Terry",
    "Christine": "Chris",
    "Barbara": "Babs",
    "Pamela": "Pam",
    "Samantha": "Sam",
    "William": "Bill",
    "James": "Jim",
    "Robert": "Bob",
    "Michael": "Mike",
    "Richard": "Dick",
    "Thomas": "Tom",
    "Christopher": "Chris",
    "Daniel": "Dan",
    "Matthew": "Matt",
    "Anthony": "Tony",
    "Steven": "Steve",
    "Andrew": "Andy",
    "Joshua": "Josh",
    "Benjamin": "Ben",
    "Samuel": "Sam",
    "Alexander": "Alex",
    "Edward": "Ted",
    "Joseph": "Joe",
    "David": "Dave",
    "Jonathan": "Jon",
    "Nicholas": "Nick",
    "Timothy": "Tim",
    "Gregory": "Greg",
    "Philip": "Phil",
    "Kenneth": "Ken",
    "Ronald": "Ron",
    "Stephen": "Steve",
    "Frederick": "Fred",
    "Theodore": "Theo",
}
TWINS = (("Jon", "Joan"), ("Marie", "Maria"), ("Ella", "Ellen"), ("Adam", "Aidan"), ("Dan", "Dana"), ("Julie", "Julia"))
CITIES = (  # city, region, postcode area, store
    ("London", "Greater London", "SE"),
    ("London", "Greater London", "NW"),
    ("London", "Greater London", "E"),
    ("Manchester", "Greater Manchester", "M"),
    ("Birmingham", "West Midlands", "B"),
    ("Leeds", "West Yorkshire", "LS"),
    ("Glasgow", "Scotland", "G"),
    ("Edinburgh", "Scotland", "EH"),
    ("Liverpool", "Merseyside", "L"),
    ("Bristol", "Bristol", "BS"),
    ("Sheffield", "South Yorkshire", "S"),
    ("Cardiff", "Wales", "CF"),
    ("Nottingham", "Nottinghamshire", "NG"),
    ("Leicester", "Leicestershire", "LE"),
    ("York", "North Yorkshire", "YO"),
    ("Newcastle upon Tyne", "Tyne and Wear", "NE"),
    ("Norwich", "Norfolk", "NR"),
    ("Exeter", "Devon", "EX"),
    ("Brighton", "East Sussex", "BN"),
    ("Oxford", "Oxfordshire", "OX"),
    ("Cambridge", "Cambridgeshire", "CB"),
    ("Southampton", "Hampshire", "SO"),
    ("Plymouth", "Devon", "PL"),
    ("Belfast", "Northern Ireland", "BT"),
    ("Aberdeen", "Scotland", "AB"),
    ("Swansea", "Wales", "SA"),
    ("Derby", "Derbyshire", "DE"),
    ("Bath", "Somerset", "BA"),
)
STREET_NAMES = _words(
    "High Station Church Victoria Park Mill Queens Kings Albert Manor Springfield Grange Chapel School Orchard "
    "Windsor Highfield Alexandra Meadow Willow Beech Cedar Elm Hawthorn Rowan Priory Abbey Castle Bridge Canal Quarry "
    "Wharf Garden Laurel Maple Chestnut Poplar Sycamore Juniper Heather Bramble Foxglove Kestrel Heron Swan"
)
STREET_KINDS = ("Road", "Street", "Avenue", "Lane", "Close", "Drive", "Way", "Crescent")
JOBS = _words(
    "Teacher|Nurse|Engineer|Accountant|Electrician|Designer|Solicitor|Sales Manager|Chef|Driver|Software Developer|"
    "Office Manager|Retired|Student|Plumber|Architect|Civil Servant|Carer|Consultant|Shop Assistant",
    "|",
)
EMPLOYERS = _words(
    "Northgate Logistics|Harbour & Sons|Bright Office Ltd|City Council|Fernhill School|St. Oswin Hospital|Alder Bank|"
    "Kestrel Energy|Marlow, Finch & Co|Redbrick Studios|Tidewater Foods|Self-employed",
    "|",
)
HOBBIES = _words("gardening cooking cycling reading hiking diy knitting yoga travel football baking photography")
HOW_HEARD = ("Friend", "Search engine", "Instagram", "TV", "Store", "Catalogue", "Podcast", "Other")
MAIL_DOMAINS = (
    "gmail.com",
    "gmail.com",
    "gmail.com",
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "yahoo.co.uk",
    "hotmail.co.uk",
    "icloud.com",
    "btinternet.example",
)
NULL_WORDS = ("NULL", "n/a", "unknown", "-", " ", "N/A", "NaN", "none")
TEST_ADDRESSES = ("test@test.com", "test@example.com", "noreply@example.com")
ROLE_ADDRESSES = ("info@brightoffice.example", "sales@harbourandsons.example", "office@fernhill-school.example")
JUNK_PHONES = ("0000000000", "07123456789", "000000")
KIOSKS = ("kiosk-store-001", "kiosk-store-007", "kiosk-store-013")
