"""Which folders are classes, and of which part: known, or asked for."""

import unicodedata

import pytest

import keras_transfer as kt
from keras_transfer.data.given_folders import find_parts
from keras_transfer.data.layout import find_layout
from tests.data.photos import class_folders
from tests.data.photos import photo


def _tree(root, *names):
    for name in names:
        class_folders(root / name, {"a": 1, "b": 1})
    return root


def _build(root, text):
    """Makes a file for each line: an image, or an empty file of another kind.

    `{a,b}` stands for several names.
    """
    for line in text.split():
        heads = [""]
        for piece in line.replace("}", "{").split("{"):
            heads = [h + end for h in heads for end in piece.split(",")]
        for head in heads:
            path = root / head
            if path.suffix in (".jpg", ".png"):
                photo(path, size=(4, 4))
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
    return root


def _found(layout):
    """Each part as its folder and classes, relative to nothing."""
    return {
        role: (part.root, [*part.classes])
        for role, part in layout._asdict().items()
        if part is not None
    }


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("train", "val"), ("train", "validation")),
        (("Train", "VALID"), ("train", "validation")),
        (("training", "validation"), ("train", "validation")),
        (("train", "test"), ("train", "test")),
        (("training_set", "test_set"), ("train", "test")),
        (("trainset", "valset", "testset"), ("train", "validation", "test")),
        (("seg_train", "seg_dev"), ("train", "validation")),
        (("train2017", "val2017"), ("train", "validation")),
        (("TrainImages", "EvalImages"), ("train", "test")),
    ],
)
def test_folders_for_each_part_are_found(tmp_path, names, roles):
    _tree(tmp_path, *names)
    assert _found(find_layout(tmp_path)) == {
        role: (tmp_path / name, ["a", "b"])
        for role, name in zip(roles, names, strict=True)
    }


def test_class_folders_alone_are_to_be_split(tmp_path):
    class_folders(tmp_path, {"a": 1, "b": 1})
    assert _found(find_layout(tmp_path)) == {"train": (tmp_path, ["a", "b"])}


def test_a_train_folder_alone_is_to_be_split(tmp_path):
    _tree(tmp_path, "train", "__MACOSX")
    found = find_layout(tmp_path)
    assert _found(found) == {"train": (tmp_path / "train", ["a", "b"])}


def test_wrappers_at_any_depth_are_passed(tmp_path):
    _tree(tmp_path / "archive" / "set" / "images", "x_train/x_train", "x_val")
    assert [part.root.name for part in find_layout(tmp_path)[:2]] == [
        "x_train",
        "x_val",
    ]


def test_a_class_may_be_named_train(tmp_path):
    class_folders(tmp_path, {"train": 2, "bus": 2, "station": 2})
    assert [*find_layout(tmp_path).train.classes] == ["bus", "station", "train"]


def test_the_test_part_beside_class_folders_is_known_by_its_classes(tmp_path):
    class_folders(tmp_path, {"ants": 1, "bees": 1})
    class_folders(tmp_path / "test", {"ants": 1, "bees": 1})
    found = _found(find_layout(tmp_path))
    assert found["test"] == (tmp_path / "test", ["ants", "bees"])
    assert found["train"] == (tmp_path, ["ants", "bees"])


def test_parts_may_lie_in_each_class(tmp_path):
    _tree(tmp_path)
    for name in ("ants", "bees"):
        class_folders(tmp_path / name, {"train": 2, "val": 1, "test": 1})
    train, validation = kt.data.from_directory(tmp_path, image_size=4)
    assert train.class_names == ["ants", "bees"]
    sizes = [len(d.file_paths) for d in (train, validation, train.test)]
    assert sizes == [4, 2, 2]


QUESTIONS = {
    # What would be two classes with excellent figures.
    "flat parts": "{train,test}/1.jpg",
    "images without classes": "{cats,dogs,test}/1.jpg",
    "kinds of images": "{color,grayscale}/{cats,dogs}/1.jpg",
    "pieces": "photos_part_{1,2}/1.jpg",
    "a copy of all": "{cats,dogs}/1.jpg all/{cats,dogs}/1.jpg",
    "parts of other classes": "train/{a,b}/1.jpg val/{c,d}/1.jpg",
    "a class of years": "{train,tram}/{2019,2020}/1.jpg",
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_can_be_read_in_two_ways_is_asked(tmp_path, name):
    _build(tmp_path, QUESTIONS[name])
    with pytest.raises(ValueError, match="two ways.* Or the classes are") as e:
        kt.data.from_directory(tmp_path, image_size=4)
    # The second reading can be chosen as the message says.
    names = str(e.value).rpartition("class_names=")[2]
    names = [text.strip("'[]. ") for text in names.split(",")]
    chosen = find_layout(tmp_path, class_names=names)
    assert {*names} <= {*chosen.train.classes}
    assert chosen.validation is None


def test_the_other_reading_is_separate_folders(tmp_path):
    for part in ("color", "grey"):
        class_folders(tmp_path / part, {"cats": 2, "dogs": 2})
    train, validation = kt.data.from_directory(
        train=tmp_path / "color", validation=tmp_path / "grey", image_size=4
    )
    assert train.class_names == validation.class_names == ["cats", "dogs"]
    assert len(train.file_paths) == len(validation.file_paths) == 4
    assert train.test is None


def test_separate_folders_may_not_lie_in_each_other(tmp_path):
    class_folders(tmp_path, {"cats": 2, "dogs": 2})
    with pytest.raises(ValueError, match="is or lies in the test folder"):
        find_parts(tmp_path, test=tmp_path)


@pytest.mark.parametrize("given", [{}, {"path": ".", "train": "."}])
def test_one_folder_or_parts_are_given(given):
    with pytest.raises(ValueError, match="Expected one folder of photographs"):
        kt.data.from_directory(**given)


def test_validation_without_training_is_asked(tmp_path):
    _tree(tmp_path, "val")
    class_folders(tmp_path / "photos", {"c": 1, "d": 1})
    with pytest.raises(ValueError, match="but none for training is known"):
        find_layout(tmp_path)


def test_training_beside_unknown_folders_is_asked(tmp_path):
    _tree(tmp_path, "train", "holdout")
    with pytest.raises(ValueError, match="but none for validation is known"):
        find_layout(tmp_path)


def test_two_folders_that_mean_the_same_are_an_error(tmp_path):
    _tree(tmp_path, "train", "val", "valid")
    with pytest.raises(ValueError, match="'val' beside 'valid', which mean"):
        find_layout(tmp_path)


def test_folders_that_are_not_read_are_named(tmp_path):
    _tree(tmp_path, "train", "val", "extra")
    with pytest.warns(UserWarning, match="left out: 'extra'"):
        find_layout(tmp_path)


def test_a_missing_folder_gets_a_suggestion(tmp_path):
    class_folders(tmp_path / "photos", {"a": 1, "b": 1})
    with pytest.raises(ValueError, match=r"no folder .*Did you mean .*photos'"):
        find_layout(tmp_path / "photo")


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(ValueError, match="is a file, not a folder"):
        find_layout(photo(tmp_path / "a.png"))


def test_names_are_compared_as_composed_unicode(tmp_path):
    apart = unicodedata.normalize("NFD", "caf\u00e9")
    class_folders(tmp_path / "train", {apart: 2, "tea": 2})
    class_folders(tmp_path / "val", {"caf\u00e9": 1, "tea": 1})
    train, validation = kt.data.from_directory(tmp_path, image_size=4)
    assert train.class_names == validation.class_names == ["caf\u00e9", "tea"]
    chosen, _ = kt.data.from_directory(
        tmp_path, image_size=4, class_names=["tea", apart]
    )
    assert chosen.class_names == ["tea", "caf\u00e9"]


def test_the_whole_folder_can_be_trained_on(tmp_path):
    class_folders(tmp_path, {"a": 3, "b": 3})
    train, validation = kt.data.from_directory(
        tmp_path, image_size=4, validation_split=0
    )
    assert validation is None
    assert len(train.file_paths) == 6


def test_labels_in_names_of_files(tmp_path):
    names = "great_pyrenees_{1,2,12}.jpg Abyssinian_{1,100}.jpg"
    _build(tmp_path / "images", names)
    train, validation = kt.data.from_directory(
        tmp_path, image_size=4, label_from_name=r"(?P<label>.+)_\d+\.jpg"
    )
    assert train.class_names == ["Abyssinian", "great_pyrenees"]
    for part in (train, validation):
        for path, label in zip(part.file_paths, part.labels, strict=True):
            assert train.class_names[label] in path


def test_labels_in_names_of_files_of_parts(tmp_path):
    _build(tmp_path / "dogs-vs-cats", "{train,test}/{cat,dog}.{0,1}.jpg")
    train, validation = kt.data.from_directory(
        tmp_path, image_size=4, label_from_name=r"(?P<label>[a-z]+)\.\d+\.jpg"
    )
    assert train.class_names == ["cat", "dog"]
    assert len(train.test.file_paths) == 4
    assert len(train.file_paths) + len(validation.file_paths) == 4


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?P<label>.+", "is no regular expression"),
        (r"(.+)_\d+\.jpg", "has no group that is the label"),
        (r"(?P<label>.+)-\d+\.jpg", "No image in .* is named as"),
    ],
)
def test_patterns_that_cannot_be_used(tmp_path, pattern, message):
    _build(tmp_path, "cat_{1,2}.jpg")
    with pytest.raises(ValueError, match=message):
        kt.data.from_directory(tmp_path, image_size=4, label_from_name=pattern)


def test_files_that_do_not_match_are_named(tmp_path):
    _build(tmp_path, "{cat,dog}_{1,2}.jpg cover.jpg")
    with pytest.raises(ValueError, match="does not match the pattern: cover"):
        kt.data.from_directory(
            tmp_path, image_size=4, label_from_name=r"(?P<label>.+)_\d+\.jpg"
        )


# Small copies of published data sets, named as published; what is expected is
# the classes of training with the other parts, or a sentence.
READ = {
    "Intel scenes": (
        "seg_{train,test}/seg_{train,test}/{sea,street}/1.jpg",
        None,
    ),
    "chest x-ray": (
        "chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/1.jpg "
        "__MACOSX/chest_xray/train/NORMAL/1.jpg",
        (["NORMAL", "PNEUMONIA"], True, True),
    ),
    "Stanford Dogs": (
        "images/Images/{n02085620-Chihuahua,n02085782-Japanese_spaniel}/1.jpg "
        "annotations/Annotation/n02085620-Chihuahua/n02085620_7",
        (["n02085620-Chihuahua", "n02085782-Japanese_spaniel"], False, False),
    ),
    "Caltech-101": (
        "101_ObjectCategories/{accordion,airplanes,BACKGROUND_Google}/1.jpg",
        (["BACKGROUND_Google", "accordion", "airplanes"], False, False),
    ),
    "Food-101": (
        "food-101/images/{apple_pie,waffles}/1.jpg food-101/meta/classes.txt",
        (["apple_pie", "waffles"], False, False),
    ),
    "EuroSAT": (
        "2750/{AnnualCrop,Forest}/1.jpg",
        (["AnnualCrop", "Forest"], False, False),
    ),
    "GTSRB": (
        "{Train/0,Train/1}/1.png Test/00000.png Meta/0.png",
        (["0", "1"], False, False),
    ),
    "Imagenette": (
        "imagenette2/{train,val}/{n01440764,n02102040}/1.jpg "
        "imagenette2/noisy_imagenette.csv",
        (["n01440764", "n02102040"], True, False),
    ),
    "CIFAR-10 as PNG": (
        "cifar10/{train,test}/{airplane,bird}/1.png",
        (["airplane", "bird"], False, True),
    ),
    "CUB": (
        "CUB_200_2011/images/{001.Albatross,002.Auklet}/1.jpg "
        "CUB_200_2011/parts/parts.txt CUB_200_2011/attributes.txt "
        "segmentations/{001.Albatross,002.Auklet}/1.png",
        (["001.Albatross", "002.Auklet"], False, False),
    ),
    "CUB with masks": (
        "images/{001.Albatross,002.Auklet}/1.jpg "
        "segmentations/{001.Albatross,002.Auklet}/1.png",
        (["001.Albatross", "002.Auklet"], False, False),
    ),
    "Roboflow": (
        "{train,valid,test}/{daisy,rose}/1.jpg README.roboflow.txt",
        (["daisy", "rose"], True, True),
    ),
    "fruits-360": (
        "fruits-360/{Training,Test}/{Apple-Red-1,Banana}/1.jpg "
        "fruits-360/test-multiple_fruits/1.jpg",
        (["Apple-Red-1", "Banana"], False, True),
    ),
    "brain tumours": (
        "{Training,Testing}/{glioma,notumor}/1.jpg",
        (["glioma", "notumor"], False, True),
    ),
    "ASL alphabet": (
        "asl_alphabet_train/asl_alphabet_train/{A,del}/1.jpg "
        "asl_alphabet_test/asl_alphabet_test/A_test.jpg",
        (["A", "del"], False, False),
    ),
    "ants and bees": (
        "hymenoptera_data/{train,val}/{ants,bees}/1.jpg",
        (["ants", "bees"], True, False),
    ),
    "cats and dogs": (
        "cats_and_dogs_filtered/{train,validation}/{cats,dogs}/1.jpg "
        "cats_and_dogs_filtered/vectorize.py",
        (["cats", "dogs"], True, False),
    ),
    "rock paper scissors": (
        "{rps,rps-test-set}/{paper,rock}/1.png",
        (["paper", "rock"], False, True),
    ),
    "UC Merced": (
        "UCMerced_LandUse/Images/{beach,forest}/1.png",
        (["beach", "forest"], False, False),
    ),
    "BreakHis": (
        "BreaKHis_v1/histology_slides/breast/{benign/SOB/adenosis,"
        "malignant/SOB/lobular}/1.png",
        (["benign", "malignant"], False, False),
    ),
    "MNIST as PNG": (
        "mnist_png/{training,testing}/{0,1}/1.png",
        (["0", "1"], False, True),
    ),
    "OCT": (
        "OCT2017/{train,test,val}/{CNV,DRUSEN}/1.jpg",
        (["CNV", "DRUSEN"], True, True),
    ),
    "garbage": (
        "Garbage-classification/{cardboard,glass}/1.jpg zero-indexed.txt",
        (["cardboard", "glass"], False, False),
    ),
    "weather": (
        "dataset2/{cloudy,rain}/1.jpg",
        (["cloudy", "rain"], False, False),
    ),
    "Plant seedlings": (
        "{train/Charlock,train/Maize,test}/1.png sample_submission.csv",
        (["Charlock", "Maize"], False, False),
    ),
    # Asked about.
    "PlantVillage": (
        "plantvillage/{color,grayscale,segmented}/{Apple_scab,Corn_rust}/1.jpg",
        "kinds of images",
    ),
    "malaria": (
        "cell_images/{Parasitized,Uninfected,cell_images/Parasitized,"
        "cell_images/Uninfected}/1.png",
        "repeats the class folders",
    ),
    "Oxford pets": (
        "images/{Abyssinian_1,beagle_2}.jpg annotations/trimaps/beagle_2.png",
        "label_from_name",
    ),
    "Oxford flowers": (
        "jpg/image_{00001,00002}.jpg setid.mat",
        "pass the table",
    ),
    "dogs against cats": ("train/{cat,dog}.0.jpg", "label_from_name"),
    "cassava": (
        "{train_images,test_images}/1.jpg train.csv",
        "the parts of a data set whose images lie in no class folders",
    ),
    "HAM10000": (
        "HAM10000_images_part_{1,2}/ISIC_1.jpg HAM10000_metadata.csv",
        "pieces of one collection",
    ),
    "Tiny ImageNet": (
        "tiny/train/{n01443537,n01629819}/images/1.jpg "
        "tiny/val/images/val_0.jpg tiny/test/images/test_0.jpg",
        "holds 1 images directly",
    ),
    "MVTec": (
        "{bottle,cable}/{train/good,test/good,test/broken,"
        "ground_truth/broken}/1.png",
        "what is a class cannot be known",
    ),
}


@pytest.mark.filterwarnings("ignore:.*(are read; left out|cannot be judged)")
@pytest.mark.filterwarnings("ignore:No images in")
@pytest.mark.filterwarnings("ignore:Not counted as classes")
@pytest.mark.parametrize("name", READ)
def test_published_layouts_are_read_or_asked_about(tmp_path, name):
    text, expected = READ[name]
    root = _build(tmp_path / "data", text)
    if name == "Intel scenes":  # The braces would mix the parts.
        for part in ("train", "test"):
            other = {"train": "test", "test": "train"}[part]
            for child in (root / f"seg_{part}" / f"seg_{other}").rglob("*.jpg"):
                child.unlink()
        expected = (["sea", "street"], False, True)
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected):
            kt.data.from_directory(root, image_size=4, check=False)
        return
    classes, has_validation, has_test = expected
    layout = find_layout(root)
    assert [*layout.train.classes] == classes
    assert (layout.validation is not None) == has_validation
    assert (layout.test is not None) == has_test
    for part in layout[1:]:
        assert part is None or [*part.classes] == classes


def test_classes_of_masks_are_classes(tmp_path):
    class_folders(tmp_path, {"mask": 1, "no_mask": 1})
    assert [*find_layout(tmp_path).train.classes] == ["mask", "no_mask"]


def test_enough_layouts_are_tried():
    assert len(READ) >= 30
