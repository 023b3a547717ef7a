set(BERTH_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion
    -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND BERTH_WARNINGS -Wthread-safety)
else()
  # gcc 12 at -O2 sees uninitialized members of std::variant and reads beyond strings where there
  # are none, and takes a unity build's files for headers.
  list(APPEND BERTH_WARNINGS -Wno-subobject-linkage
       $<$<CONFIG:Release>:-Wno-maybe-uninitialized> $<$<CONFIG:Release>:-Wno-stringop-overread>)
endif()
if(BERTH_WERROR)
  list(APPEND BERTH_WARNINGS -Werror)
endif()

set(BERTH_SANITIZE "" CACHE STRING "address,undefined or thread")
if(BERTH_SANITIZE)
  add_compile_options(-fsanitize=${BERTH_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BERTH_SANITIZE})
  if(BERTH_SANITIZE MATCHES "thread")
    # protobuf's and Abseil's headers change the layout of their classes when they see the compiler's
    # own macro; the system's libraries are built without. Ours is BERTH_TSAN.
    add_compile_options(-U__SANITIZE_THREAD__ -DBERTH_TSAN=1)
  endif()
  if(BERTH_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  if(BERTH_SANITIZE)
    # gcc 12 sees copies beyond short strings in the tables of tests.
    set(BERTH_TEST_WARNINGS -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  add_compile_options(-fpch-preprocess)
endif()
